/** The optimizers that train side by side. */
import {
  type Chain,
  chain,
  combined,
  curvatureOnly,
  gaussNewton,
  inverseCurvature,
  learningRate,
  type LikelihoodLoss,
  precond,
  type PrecondOptimizer,
  sgd,
  signalSgd,
  snrOnly,
} from "@precond/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { lookOn, watched, watchSignal } from "../../examples/tfjs-browser/watched.ts";
import type { ContenderName } from "./lineup.ts";

/** What an optimizer is made of, and how its learning rate is found. */
export interface Contender {
  /** Its own learning rate, or the rates from which a tuning run chooses. */
  readonly rates: number | readonly number[];
  /** Its definition; undefined for the Adam of TensorFlow.js. */
  readonly make?: (rate: number) => Chain;
}

const asShipped = (alias: (options: { learningRate?: number }) => Chain): Contender => ({
  // What it has reached long after the warm-up.
  rates: alias({}).learningRate!(1e6),
  make: (rate) => alias({ learningRate: rate }),
});

/** Every optimizer of the playground. */
export const contenders: Readonly<Record<ContenderName, Contender>> = {
  sgd: { rates: [0.01, 0.03, 0.1, 0.3, 1], make: (rate) => sgd({ learningRate: rate }) },
  curvatureOnly: asShipped(curvatureOnly),
  snrOnly: asShipped(snrOnly),
  signalSgd: {
    rates: [0.03, 0.1, 0.3, 1, 3],
    make: (rate) => signalSgd({ learningRate: rate }),
  },
  combined: asShipped(combined),
  adam: { rates: [0.001, 0.003, 0.01, 0.03, 0.1] },
};

/** The estimator that keeps the curvature of every weight. */
export const curvatureWatcher = "curvature";

const watchers = () => [
  watchSignal(),
  lookOn(curvatureWatcher, inverseCurvature(gaussNewton({ every: 5 }), { decay: 0.9 })),
];

/** An optimizer at work. */
export interface Stepper {
  step(loss: LikelihoodLoss): void;
  /** What looks on; undefined where nothing does. */
  readonly observer?: PrecondOptimizer;
  dispose(): void;
}

/** Makes an optimizer that trains variables. */
export function makeStepper(
  name: ContenderName,
  { rate, variables, observed, batchSize }: {
    readonly rate: number;
    readonly variables: readonly tf.Variable[];
    /** Whether something looks on, for the maps; tuning runs do without. */
    readonly observed: boolean;
    readonly batchSize: number;
  },
): Stepper {
  const { make } = contenders[name];
  const list = [...variables];
  if (make) {
    const definition = observed ? watched(make(rate), ...watchers()) : make(rate);
    const optimizer = precond(definition, { batchSize });
    return {
      step: (loss) => void optimizer.minimize(loss, false, list),
      ...(observed ? { observer: optimizer } : {}),
      dispose: () => optimizer.dispose(),
    };
  }
  const adam = tf.train.adam(rate);
  // It looks on by gradients of its own, and moves nothing.
  const observer = observed
    ? precond(watched(chain(learningRate(0)), ...watchers()), { batchSize })
    : undefined;
  return {
    step(loss) {
      observer?.minimize(loss, false, list);
      adam.minimize(loss, false, list);
    },
    ...(observer ? { observer } : {}),
    dispose() {
      observer?.dispose();
      adam.dispose();
    },
  };
}
