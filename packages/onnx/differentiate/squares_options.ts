/** @module */
import { oneOf, type OptionKinds, text } from "../model/check_options.ts";

/** How the examples of a batch lie, and how the loss adds them up. */
export interface SquaresOptions {
  /** An input whose first axis is the batch. Default: the model's first input. */
  readonly batchInput?: string;
  /** How the loss adds up its examples. Default: that of `loss`, else "mean". */
  readonly reduction?: "mean" | "sum";
}

/** What they may be. */
export const squaresKinds: OptionKinds<SquaresOptions> = {
  batchInput: text,
  reduction: oneOf("mean", "sum"),
};
