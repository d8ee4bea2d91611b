import type { Settings } from "./settings.ts";

/** A task that shows something. */
export interface Preset {
  readonly title: string;
  /** What is seen, and why. */
  readonly text: string;
  readonly settings: Partial<Settings>;
  /** Steps after which it pauses. */
  readonly steps: number;
  /** Whether the losses are drawn on a logarithmic scale. */
  readonly logarithmic: boolean;
}

/** What the controls that a preset does not name are set to. */
export const plain: Omit<Settings, "backend"> = {
  data: "moons",
  snr: "snrOnly",
  count: 200,
  labelNoise: 0,
  useless: 0,
  squeeze: 1,
  batchSize: 16,
  hidden: 32,
  rateFactor: 1,
};

/** What a preset is called in the code. */
export type PresetName = "noisy" | "ill" | "clean";

/** The presets, by name. */
export const presets: Readonly<Record<PresetName, Preset>> = {
  noisy: {
    title: "Small noisy data",
    text:
      "100 examples with 62 inputs each, of which 60 mean nothing, and a fifth of the labels is " +
      "wrong. Adam learns all of it by heart, so its test loss turns and rises; so do the others " +
      "that are fast. signalSgd() stands here for signal-to-noise, as the guide recommends where " +
      "few of many inputs matter: it holds still what batches do not agree on, learns slowly, and " +
      "ends where its test loss is about at its best. Adam, stopped early by validation data, would " +
      "have been about as good.",
    settings: { count: 100, labelNoise: 0.2, useless: 60, snr: "signalSgd" },
    steps: 600,
    logarithmic: false,
  },
  ill: {
    title: "Ill-conditioned",
    text:
      "The network gets the spirals squeezed to a tenth along their diagonal, so that the loss bends " +
      "sharply along some directions of the weights and hardly along others. No single step length " +
      "suits both. combined() turns each layer to axes along which the loss bends independently; " +
      "snrOnly() is the same without that, and stays behind. Adam gets as far where its learning " +
      "rate happens to suit, and jumps about or creeps where not. curvatureOnly() goes the same " +
      "way as combined(), but its own steps are short: it needs longer.",
    settings: { data: "spirals", squeeze: 10, batchSize: 32 },
    steps: 800,
    logarithmic: true,
  },
  clean: {
    title: "Clean and large",
    text:
      "3,000 images of digits, all labelled rightly, 64 a step. Nothing beats an Adam by much whose " +
      "learning rate was searched for; what snrOnly() and combined() save is the search.",
    settings: { data: "digits", count: 3000, batchSize: 64 },
    steps: 400,
    logarithmic: true,
  },
};
