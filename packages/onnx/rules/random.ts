/** @module */
import { likeFirst } from "./shared/mod.ts";
import type { OperatorRule } from "../graph/rule.ts";

/** Draws in the shape of a value: they do not depend on its elements. */
const drawn = (opType: string): OperatorRule => ({
  opType,
  since: 7,
  infer: likeFirst,
  gradient: "none",
});

/** Random numbers, drawn by ONNX Runtime in every run. */
export const randoms: readonly OperatorRule[] = ["RandomNormalLike", "RandomUniformLike"].map(
  drawn,
);
