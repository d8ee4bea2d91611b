/** What page and workers both know; it needs no TensorFlow.js. */

/** The places in the comparison; there are two optimizers for "snr". */
export type Place = "none" | "curvature" | "snr" | "both" | "adam";

/** The name of an optimizer of the playground. */
export type ContenderName =
  | "sgd"
  | "curvatureOnly"
  | "snrOnly"
  | "signalSgd"
  | "combined"
  | "adam";

/** How an optimizer is shown. */
export interface Shown {
  readonly label: string;
  readonly place: Place;
  /** What makes it in TensorFlow.js, at a learning rate. */
  code(rate: number): string;
}

const own = (name: string) => ({ label: `${name}()`, code: () => `precond(${name}())` });
const tuned = (name: string) => ({
  label: `${name}()`,
  code: (rate: number) => `precond(${name}({ learningRate: ${rate} }))`,
});

/** Every optimizer of the playground. */
export const lineup: Readonly<Record<ContenderName, Shown>> = {
  sgd: { ...tuned("sgd"), place: "none" },
  curvatureOnly: { ...own("curvatureOnly"), place: "curvature" },
  snrOnly: { ...own("snrOnly"), place: "snr" },
  signalSgd: { ...tuned("signalSgd"), place: "snr" },
  combined: { ...own("combined"), place: "both" },
  adam: { label: "Adam", place: "adam", code: (rate) => `tf.train.adam(${rate})` },
};

/** The names of the network's layers, in order. */
export const layerNames = ["input", "hidden", "output"] as const;

/** Steps of each run from which a learning rate is chosen. */
export const tuningSteps = 200;
