/**
 * How well embeddings tell sentences apart that were never trained on.
 *
 * @module
 */
import type { Trainer } from "@precond/onnxruntime";
import { EMBEDDING } from "./embedding.ts";
import type { Encoder } from "./encoder.ts";
import type { Group } from "./groups.ts";

/** Of held-out sentences. */
export interface Scores {
  /** Mean cosine of pairs from one group. */
  readonly same: number;
  /** Mean cosine of pairs from two groups. */
  readonly different: number;
  /** How often a pair of one group is closer than a pair of two: 0.5 by chance. */
  readonly apart: number;
  /** Share of those whose nearest learnt sentence is of their group. */
  readonly accuracy: number;
}

/** The embeddings of sentences, of length 1. */
export async function embed(
  trainer: Pick<Trainer, "predict">,
  { feedsOf }: Pick<Encoder, "feedsOf">,
  sentences: readonly string[],
): Promise<Float32Array[]> {
  const { [EMBEDDING]: found } = await trainer.predict(feedsOf(sentences));
  const data = await found!.getData() as Float32Array;
  const width = data.length / sentences.length;
  return sentences.map((_, i) => data.slice(i * width, (i + 1) * width));
}

/** The product of two vectors: of unit vectors the cosine. */
export const product = (x: Float32Array, y: Float32Array): number =>
  x.reduce((sum, value, i) => sum + value * y[i]!, 0);

/** The largest difference between elements of vectors. */
export function largestDifference(
  some: readonly Float32Array[],
  others: readonly Float32Array[],
): number {
  const rows = some.map((row, i) => row.map((x, j) => Math.abs(x - others[i]![j]!)));
  return Math.max(...rows.map((row) => Math.max(...row)));
}

/** Scores of the groups' held-out sentences. */
export async function score(
  trainer: Pick<Trainer, "predict">,
  encoder: Pick<Encoder, "feedsOf">,
  groups: readonly Group[],
): Promise<Scores> {
  const rowsOf = async (which: "learn" | "heldOut") => {
    const list = groups.flatMap((group, k) => group[which].map((text) => ({ text, group: k })));
    const vectors = await embed(trainer, encoder, list.map(({ text }) => text));
    return list.map(({ group }, i) => ({ group, vector: vectors[i]! }));
  };
  const [learnt, heldOut] = [await rowsOf("learn"), await rowsOf("heldOut")];
  const pairs = heldOut.flatMap((a, i) =>
    heldOut.slice(0, i).map((b) => ({
      same: a.group === b.group,
      cosine: product(a.vector, b.vector),
    }))
  );
  const cosines = (same: boolean) =>
    pairs.filter((pair) => pair.same === same).map(({ cosine }) => cosine);
  const [same, different] = [cosines(true), cosines(false)];
  const mean = (list: readonly number[]) => list.reduce((x, y) => x + y, 0) / list.length;
  const right = heldOut.filter(({ group, vector }) => {
    const [nearest] = learnt
      .map((other) => ({ group: other.group, cosine: product(vector, other.vector) }))
      .sort((a, b) => b.cosine - a.cosine);
    return nearest!.group === group;
  });
  return {
    same: mean(same),
    different: mean(different),
    apart: mean(same.map((x) => mean(different.map((y) => x > y ? 1 : x === y ? 0.5 : 0)))),
    accuracy: right.length / heldOut.length,
  };
}
