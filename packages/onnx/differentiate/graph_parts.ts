/** @module */
import type { LoadParts } from "../graph/load_graph_with.ts";
import type { checkRecompute, computeChosenAgain } from "./compute_chosen_again.ts";
import type { recognizeGelus, writeGelus } from "./exported_gelu.ts";
import type { appendLoss } from "./losses.ts";
import type { usualTrainable, whyNot } from "./usual_trainable.ts";

/** Code that graphs are made with; what a graph does not need is not touched. */
export interface GraphParts extends LoadParts {
  readonly appendLoss: typeof appendLoss;
  readonly checkRecompute: typeof checkRecompute;
  readonly computeChosenAgain: typeof computeChosenAgain;
  readonly recognizeGelus: typeof recognizeGelus;
  readonly writeGelus: typeof writeGelus;
  readonly usualTrainable: typeof usualTrainable;
  readonly whyNot: typeof whyNot;
}
