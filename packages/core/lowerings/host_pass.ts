/**
 * What the lowerings that run on the host make of a program.
 *
 * @module
 */

/**
 * One pass of a program over one tensor, on typed arrays. Numbers are float64 between load and store;
 * sums, and values that are stored, are rounded to float32 where they are used.
 *
 * `totals` and `rowSums` are indexed like `Program.sums`: a pass writes the sums that it
 * completes and reads those of earlier passes. Returns whether the step is held (last pass only).
 */
export type HostPass = (
  rows: number,
  columns: number,
  inputs: readonly Float32Array[],
  outputs: readonly Float32Array[],
  scalars: Float64Array,
  totals: Float64Array,
  rowSums: readonly (Float64Array | undefined)[],
) => boolean;
