/** @module */

/** A value per channel for each part of a normalization. */
export interface Statistics<V> {
  readonly scale: V;
  readonly offset: V;
  readonly mean: V;
  readonly variance: V;
}

/** How a convolution moves. */
export interface Moves {
  readonly stride: number;
  /** Whether the input is padded, more at its end if that cannot be even on both sides. */
  readonly padded: boolean;
}

/** ε of all normalizations. */
export const epsilon = 1e-5;

/** The share of a running statistic that one batch leaves of it. */
export const momentum = 0.9;

/**
 * What networks are made of, in one library. All values but weights have the batch in front; images
 * are [N, height, width, channels].
 */
export interface Operations<V> {
  /** Each example in another shape. */
  reshape(x: V, shape: readonly number[]): V;
  /** Other axes; the batch, axis 0, stays in front. */
  permute(x: V, axes: readonly number[]): V;
  /** Parts of the last axis, of equal size. */
  split(x: V, parts: number): V[];
  /** `x W + b`, of the last axis. */
  linear(x: V, kernel: V, bias?: V): V;
  /** Products of matrices in the last two axes, the second one transposed if asked for. */
  product(x: V, y: V, transposed: boolean): V;
  conv(x: V, kernel: V, bias: V | undefined, moves: Moves): V;
  maxPool(x: V, size: number): V;
  /** Per channel, over all positions of an image. */
  mean(x: V): V;
  /** Rows of a table by their numbers. */
  rows(table: V, numbers: V): V;
  batchNormalization(x: V, statistics: Statistics<V>): V;
  layerNormalization(x: V, scale: V, offset: V): V;
  /** All states [N, length, units] of `Hₜ = (1 − z)∘h̃ + z∘Hₜ₋₁`, gates z, r and h̃ side by side. */
  gru(x: V, kernel: V, recurrent: V, bias: V): V;
  relu(x: V): V;
  exp(x: V): V;
  /** `log(1 + eˣ)`. */
  softplus(x: V): V;
  /** Along the last axis. */
  softmax(x: V): V;
  add(x: V, y: V): V;
  subtract(x: V, y: V): V;
  multiply(x: V, y: V): V;
  /** A number times a value. */
  scaled(x: V, factor: number): V;
  constant(shape: readonly number[], values: Float32Array): V;
  /** Sums of the examples [N, n], mean over the batch. */
  meanOfSums(x: V): V;
}
