/**
 * Gradients of several workers as evidence of one step.
 *
 * @module
 */
import { checkOptions, checkValue, isPlain, type Kind, type Kinds } from "../checks.ts";
import * as kinds from "../kinds.ts";

/** Arrays by the names of parameters. */
export type NamedArrays = Readonly<Record<string, Float32Array>>;

/** What one worker (replica) found on its shard of a batch. */
export interface Replica {
  /** Mean gradient over its examples. */
  readonly gradients: NamedArrays;
  /** Examples in its shard. */
  readonly examples: number;
  /** If it saw the shard in micro-batches of equal size: the mean of their squared mean gradients. */
  readonly gradientSquares?: NamedArrays | undefined;
  /** k of `gradientSquares`. */
  readonly microBatches?: number | undefined;
  /** One sample of the diagonal of the curvature of its mean loss: of all replicas, or of none. */
  readonly curvature?: NamedArrays | undefined;
}

/** What all replicas found: evidence of a step. */
export interface CombinedReplicas {
  /** Mean gradient over the batch. */
  readonly gradients: NamedArrays;
  /** Left out if there is one shard alone, which shows no noise. */
  readonly gradientSquares?: NamedArrays;
  /** k of `gradientSquares`; without them 1. */
  readonly microBatches: number;
  /** Examples of all replicas. */
  readonly batchSize: number;
  /** One sample of the diagonal of the curvature of the batch's mean loss, if replicas bring theirs. */
  readonly curvature?: NamedArrays;
}

const action = "combine replicas";

const arrays: Kind = {
  must: "be Float32Arrays by the names of parameters",
  type: (value) =>
    isPlain(value) && Object.values(value).every((array) => kinds.float32Array.type(array)),
};
const replicaKinds: Kinds<Replica> = {
  gradients: arrays,
  examples: kinds.positive,
  gradientSquares: arrays,
  microBatches: kinds.count,
  curvature: arrays,
};

/** What a replica adds to the sums: k shards, of n examples together. */
interface Shard {
  readonly gradients: NamedArrays;
  readonly squares: NamedArrays | undefined;
  readonly curvature: NamedArrays | undefined;
  readonly examples: number;
  readonly k: number;
}

/**
 * The gradient of a whole batch, and the noise in it, from the mean gradients of the workers that share
 * it: what micro-batches are for one worker, shards are for many, and they cost nothing.
 *
 * With nᵢ of N examples and the mean gradient gᵢ on shard i of k, which may differ in size:
 * ```
 * g = Σ (nᵢ/N) gᵢ         mean gradient over the batch
 * q = Σ (nᵢ/N) gᵢ²        gradientSquares, with microBatches k
 * h = Σ (nᵢ/N) hᵢ         curvature, if replicas bring samples hᵢ
 * ```
 * As `E gᵢ² = μ² + σ²/nᵢ`, with μ the mean and σ² the variance of one example's gradient, E g² is μ² + σ²/N
 * and E q is μ² + kσ²/N: `(k g² − q)/(k − 1)` is unbiased for μ², and `N (q − g²)/(k − 1)` for σ². A replica
 * that brings squares of its own kᵢ micro-batches counts as kᵢ shards. The batch's mean loss is that mean
 * of the shards' ones, and so is its Hessian: h is unbiased where the hᵢ are. Sums are made in float64.
 *
 * @throws {TypeError} For replicas of different parameters or sizes, squares without their number, and
 * samples of curvature of some replicas alone.
 * @throws {RangeError} For no replicas, and for one without examples.
 *
 * @example
 * ```ts
 * import { combineReplicas, createOptimizer, signalSgd } from "@precond/core";
 * import assert from "node:assert/strict";
 *
 * const { gradients, gradientSquares, microBatches, batchSize } = combineReplicas([
 *   { gradients: { w: Float32Array.of(1) }, examples: 30 },
 *   { gradients: { w: Float32Array.of(5) }, examples: 10 },
 * ]);
 * assert.deepEqual([...gradients.w!, ...gradientSquares!.w!], [2, 7]); // ¾·1 + ¼·5, ¾·1 + ¼·25
 * const weights = new Float32Array(1);
 * const step = { w: { weights, gradient: gradients.w!, gradientSquares: gradientSquares!.w! } };
 * createOptimizer(signalSgd()).step(step, { microBatches, batchSize });
 * ```
 */
export function combineReplicas(replicas: readonly Replica[]): CombinedReplicas {
  checkValue(action, replicas, kinds.listOf(kinds.anything, 1), "replicas");
  const shards = replicas.map(shardOf);
  const [first] = shards;
  shards.forEach((shard, i) => checkAlike(first!, shard, i));
  const batchSize = shards.reduce((sum, { examples }) => sum + examples, 0);
  const microBatches = shards.reduce((sum, { k }) => sum + k, 0);
  const mean = (of: (shard: Shard, name: string) => (k: number) => number): NamedArrays =>
    Object.fromEntries(
      Object.entries(first!.gradients).map(([name, { length }]) => {
        const values = shards.map((shard) => of(shard, name));
        const sum = (k: number) =>
          shards.reduce((total, { examples }, i) => total + examples * values[i]!(k), 0);
        return [name, Float32Array.from({ length }, (_, k) => sum(k) / batchSize)];
      }),
    );
  const gradients = mean(({ gradients }, name) => (k) => gradients[name]![k]!);
  const curvature = first!.curvature &&
    { curvature: mean(({ curvature }, name) => (k) => curvature![name]![k]!) };
  if (microBatches === 1) return { gradients, microBatches, batchSize, ...curvature };
  const gradientSquares = mean(({ gradients, squares }, name) =>
    squares ? (k) => squares[name]![k]! : (k) => gradients[name]![k]! ** 2
  );
  return { gradients, gradientSquares, microBatches, batchSize, ...curvature };
}

function shardOf(replica: Replica, i: number): Shard {
  const own = `${action} (replica ${i + 1})`;
  const given = checkOptions(own, replica ?? null, replicaKinds, ["gradients", "examples"]);
  const { gradients, examples, gradientSquares: squares, microBatches: k, curvature } = given;
  if ((squares === undefined) !== (k === undefined)) {
    const [there, missing] = squares
      ? ["gradientSquares", "microBatches"]
      : ["microBatches", "gradientSquares"];
    throw new TypeError(`Cannot ${own}: ${there} is given without ${missing}`);
  }
  return { gradients, squares, curvature, examples, k: k ?? 1 };
}

function checkAlike(
  { gradients: expected, curvature: sampled }: Shard,
  { gradients, squares: gradientSquares, curvature }: Shard,
  i: number,
): void {
  if ((curvature === undefined) !== (sampled === undefined)) {
    const [has, lacks] = curvature ? [i + 1, 1] : [1, i + 1];
    throw new TypeError(
      `Cannot ${action}: replica ${has} brings a curvature sample, replica ${lacks} none`,
    );
  }
  for (const [kind, given] of Object.entries({ gradients, gradientSquares, curvature })) {
    if (given === undefined) continue;
    const odd = Object.keys({ ...expected, ...given })
      .find((name) => given[name]?.length !== expected[name]?.length);
    if (odd === undefined) continue;
    const [here, there] = [given[odd], expected[odd]].map((array) =>
      array ? `${array.length} elements` : "none"
    );
    throw new TypeError(
      `Cannot ${action}: of "${odd}" replica ${i + 1} has ${here} in ${kind}, replica 1 ${there}`,
    );
  }
}
