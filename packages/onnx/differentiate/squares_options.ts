/** @module */
import * as kinds from "@precond/core/kinds";

/** How the examples of a batch lie, and how the loss adds them up. */
export interface SquaresOptions {
  /** An input whose first axis is the batch. Default: the model's first input. */
  readonly batchInput?: string;
  /** How the loss adds up its examples. Default: that of `loss`, else "mean". */
  readonly reduction?: "mean" | "sum";
}

/** What they may be. */
export const squaresKinds: kinds.Kinds<SquaresOptions> = {
  batchInput: kinds.text,
  reduction: kinds.oneOf("mean", "sum"),
};
