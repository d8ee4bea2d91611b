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
  seed: 1,
};

/** What a preset is called in the code. */
export type PresetName = "noisy" | "ill" | "clean";

/** The presets, by name. */
export const presets: Readonly<Record<PresetName, Preset>> = {
  ill: {
    title: "Ill-conditioned",
    text:
      "Two spirals, squeezed to a thirtieth of their width along one diagonal before the networks get " +
      "them. So the loss bends sharply along some directions of the weights and hardly along others, " +
      "and no step length suits both: that is called ill-conditioned. combined() measures the weights " +
      "of each layer along other axes, chosen so that the loss bends along each by itself, and tells " +
      "the spirals apart. snrOnly() is the same without these axes, and gets stuck, as does Adam. " +
      "curvatureOnly() has the axes, too, but its steps are short: it needs longer.",
    settings: { data: "spirals", squeeze: 30, batchSize: 32 },
    steps: 800,
    logarithmic: true,
  },
  noisy: {
    title: "Small noisy data",
    text:
      "Two moons, but only 100 examples, a fifth of them with a wrong label, and 60 of their 62 " +
      "inputs mean nothing. Adam learns all of it by heart, so its test loss falls and then rises, and " +
      "so does that of combined(), which is faster still. signalSgd() stands for signal-to-noise here, " +
      "as the guide recommends where few of many inputs matter: it hardly moves weights on whose " +
      "direction batches do not agree, learns slowly, and is the last to overfit. Adam is about as " +
      "good at its best moment: with examples set aside to see that moment by, one can stop there.",
    settings: { count: 100, labelNoise: 0.2, useless: 60, snr: "signalSgd" },
    steps: 600,
    logarithmic: false,
  },
  clean: {
    title: "Clean and large",
    text:
      "3,000 images of digits, all labelled rightly, 64 a step. Once Adam's learning rate has been " +
      "searched for, nothing beats it by much; what snrOnly() and combined() save is that search.",
    settings: { data: "digits", count: 3000, batchSize: 64 },
    steps: 400,
    logarithmic: false,
  },
};
