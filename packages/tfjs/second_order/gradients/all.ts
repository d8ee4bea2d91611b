/** @module */
import type * as tf from "@tensorflow/tfjs-core";
import { activations } from "./activations.ts";
import { arithmetic } from "./arithmetic.ts";
import { comparisons } from "./comparisons.ts";
import { convolution } from "./convolution.ts";
import { pooling } from "./pooling.ts";
import { resizing } from "./resizing.ts";

/** The gradients that the pack adds or replaces. */
export const gradients: readonly tf.GradConfig[] = [
  ...activations,
  ...arithmetic,
  ...comparisons,
  ...convolution,
  ...pooling,
  ...resizing,
];
