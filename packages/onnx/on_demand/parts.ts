/**
 * Code that is loaded when a graph needs it. Bundlers put each part into a file of its own.
 *
 * @module
 */
import type { ReadParts } from "../artifacts/read_artifacts_with.ts";
import type { GrowthParts } from "../differentiate/grow_training_graph.ts";
import { cpuWith } from "../legalize/cpu/cpu_with.ts";
import type { LegalizeParts } from "../legalize/legalize_with.ts";
import type { MakeLegality, Target } from "../legalize/target.ts";
import type { BuilderParts } from "../model/model_builder.ts";
import { NotLoaded } from "../model/not_loaded.ts";
import { loadedRule } from "../rules/loaded.ts";

/** Something that is loaded when it is first needed. */
function part<T>(what: string, load: () => Promise<T>): () => T {
  let found: T | undefined;
  return () => {
    if (found !== undefined) return found;
    throw new NotLoaded(`${what} is`, async () => found = await load());
  };
}

const hutchinson = part(
  "Hutchinson's estimate",
  () => import("../differentiate/append_hutchinson.ts"),
);
const sample = part(
  "the sample of the curvature",
  () => import("../differentiate/append_sample.ts"),
);
const squares = part(
  "the squares of single examples",
  () => import("../differentiate/append_squares.ts"),
);
const losses = part("the loss", () => import("../differentiate/losses.ts"));
const gelus = part("the rewriting of GELU", () => import("../differentiate/exported_gelu.ts"));
const again = part(
  "what is computed again",
  () => import("../differentiate/compute_chosen_again.ts"),
);

/** What few graphs and files need. */
export const rare: () => typeof import("./rare.ts") = part(
  "what few graphs and files need",
  () => import("./rare.ts"),
);

/** What an exporter noted. */
export const noted: () => typeof import("./noted.ts") = part(
  "what an exporter noted",
  () => import("./noted.ts"),
);

/** What grows training graphs. */
export const growth: GrowthParts = {
  lookup: loadedRule,
  get prepared() {
    return rare().prepared;
  },
  get inlineFunctions() {
    return rare().inlineFunctions;
  },
  get addKnownBranch() {
    return rare().addKnownBranch;
  },
  get appendLoss() {
    return losses().appendLoss;
  },
  get checkRecompute() {
    return again().checkRecompute;
  },
  get computeChosenAgain() {
    return again().computeChosenAgain;
  },
  get recognizeGelus() {
    return gelus().recognizeGelus;
  },
  get writeGelus() {
    return gelus().writeGelus;
  },
  get usualTrainable() {
    return noted().usualTrainable;
  },
  get whyNot() {
    return noted().whyNot;
  },
  get appendHutchinson() {
    return hutchinson().appendHutchinson;
  },
  get appendSample() {
    return sample().appendSample;
  },
  get appendSquares() {
    return squares().appendSquares;
  },
};

const turned = part(
  "turning of convolutions",
  async () => (await import("../legalize/cpu/turned_convolutions.ts")).turnedConvolution,
);
const split = part(
  "splitting of shifts",
  async () => (await import("../legalize/cpu/split_shifts.ts")).splitShifts,
);
const cpu = cpuWith({ turned, split });
const webgpu = part(
  "the target webgpu",
  async () => (await import("../legalize/webgpu.ts")).webgpu,
);
const webgl = part(
  "the target webgl",
  async () => (await import("../legalize/webgl/webgl.ts")).webgl,
);
const targets: Readonly<Record<Target, MakeLegality>> = {
  cpu,
  get webgpu() {
    return webgpu();
  },
  get webgl() {
    return webgl();
  },
};

/** What legalizes. */
export const legalizing: LegalizeParts = {
  lookup: loadedRule,
  targets,
  get prepared() {
    return rare().prepared;
  },
  get inlineFunctions() {
    return rare().inlineFunctions;
  },
  get addKnownBranch() {
    return rare().addKnownBranch;
  },
};

/** What reads and writes files. */
export const files: ReadParts = {
  get resolveExternalData() {
    return rare().resolveExternalData;
  },
  get splitExternalData() {
    return rare().splitExternalData;
  },
  get readCheckpointFolder() {
    return rare().readCheckpointFolder;
  },
};

/** What builds models. */
export const building: BuilderParts = {
  lookup: loadedRule,
  get typedAttribute() {
    return rare().typedAttribute;
  },
};

/** What exports trained models. */
export const exporting: () => typeof import("../artifacts/export_inference_model.ts") = part(
  "the export",
  () => import("../artifacts/export_inference_model.ts"),
);
