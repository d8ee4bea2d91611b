/** @module */

/** Name and shape of a variable or of a saved parameter. */
export interface Named {
  readonly name: string;
  readonly shape: readonly number[];
}
