/** @module */
import { inlineFunctions } from "../graph/inline_functions.ts";
import { addKnownBranch } from "../graph/known_branch.ts";
import { prepared } from "../graph/prepared.ts";
import { ruleFor } from "../rules/mod.ts";
import { checkRecompute, computeChosenAgain } from "./compute_chosen_again.ts";
import { recognizeGelus, writeGelus } from "./exported_gelu.ts";
import type { GraphParts } from "./graph_parts.ts";
import { appendLoss } from "./losses.ts";
import { usualTrainable, whyNot } from "./usual_trainable.ts";

/** All of it, there from the beginning. */
export const allParts: GraphParts = {
  lookup: ruleFor,
  prepared,
  inlineFunctions,
  addKnownBranch,
  appendLoss,
  checkRecompute,
  computeChosenAgain,
  recognizeGelus,
  writeGelus,
  usualTrainable,
  whyNot,
};
