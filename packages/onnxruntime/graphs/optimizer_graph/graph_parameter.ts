/** @module */

/** A parameter of `optimizerGraph()`. */
export interface GraphParameter {
  readonly name: string;
  readonly shape: readonly number[];
  /**
   * Rows of data that a step multiplies it with, batch size times positions, for the rule of
   * `kronecker({ sides: "auto" })`; default the batch size of the first step.
   */
  readonly rowsPerStep?: number;
}
