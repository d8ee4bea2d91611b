/**
 * Batches of each loss that compares sentences: which rows belong together.
 *
 * @module
 */
import type { Loss } from "@precond/onnx";
import type { Feeds } from "@precond/onnxruntime";
import { EMBEDDING } from "./embedding.ts";
import type { Encoder } from "./encoder.ts";
import type { Group } from "./groups.ts";

/** What can be chosen. */
export const losses: Readonly<Record<"contrastive" | "cosineEmbedding" | "triplet", Loss>> = {
  contrastive: { type: "contrastive", output: EMBEDDING, temperature: 0.1, symmetric: true },
  cosineEmbedding: { type: "cosineEmbedding", output: EMBEDDING, margin: 0.2 },
  triplet: { type: "triplet", output: EMBEDDING, margin: 0.5 },
};

export type LossName = keyof typeof losses;

/** Endless batches. */
export function* batches(
  groups: readonly Group[],
  { feedsOf }: Pick<Encoder, "feedsOf">,
  { loss, seed = 1 }: { readonly loss: LossName; readonly seed?: number },
): Generator<Feeds, never> {
  const pick = picker(seed);
  for (;;) {
    // Of each group two: to the first of them, the seconds of all others are what it is not.
    const pairs = groups.map(({ learn }) => pick(learn, 2) as [string, string]);
    if (loss === "contrastive") {
      yield feedsOf(pairs.flat());
      continue;
    }
    const others = pairs.map((_, k) => pick(pairs.filter((_, j) => j !== k), 1)[0]![1]);
    if (loss === "triplet") {
      yield feedsOf(pairs.flatMap(([anchor, positive], k) => [anchor, positive, others[k]!]));
      continue;
    }
    const rows = pairs.flatMap(([x, y], k) => [x, y, x, others[k]!]);
    const labels = Float32Array.from(pairs.flatMap(() => [1, -1]));
    yield { ...feedsOf(rows), labels: { data: labels, dims: [labels.length] } };
  }
}

/** Takes some of a list at random, no two the same. */
function picker(seed: number): <T>(list: readonly T[], count: number) => T[] {
  let state = seed;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return (list, count) => {
    const left = [...list];
    return Array.from(
      { length: count },
      () => left.splice(Math.floor(uniform() * left.length), 1)[0]!,
    );
  };
}
