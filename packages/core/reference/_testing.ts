import assert from "node:assert/strict";
import type { Snapshot, StageOutput } from "./types.ts";

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function uniform(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Standard normal numbers from a seed (Box–Muller). */
export function normal(seed: number): () => number {
  const next = uniform(seed);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

export function assertClose(
  actual: ArrayLike<number> | number | undefined,
  expected: ArrayLike<number> | number,
  tolerance = 1e-12,
): void {
  assert.notEqual(actual, undefined);
  const a = typeof actual === "number" ? [actual] : Array.from(actual!);
  const e = typeof expected === "number" ? [expected] : Array.from(expected);
  assert.equal(a.length, e.length);
  a.forEach((x, i) => {
    const bound = tolerance * Math.max(1, Math.abs(e[i]!));
    assert.ok(Math.abs(x - e[i]!) <= bound, `[${i}] is ${x}, expected ${e[i]} ± ${bound}`);
  });
}

/** Snapshots of one parameter from its inputs, one array a step. */
export function steps(
  inputs: readonly (readonly number[])[],
  more: (t: number) => Partial<Snapshot> = () => ({}),
): Snapshot[] {
  return inputs.map((x, t) => {
    const input = Float64Array.from(x);
    return { shape: [x.length], input, gradient: input, weights: input.map(() => 0), ...more(t) };
  });
}

/** The same as a history of one parameter "w". */
export function historyOf(snapshots: readonly Snapshot[]): { w: Snapshot }[] {
  return snapshots.map((w) => ({ w }));
}

/** What became of "w". */
export function w(outputs: Record<string, StageOutput>): StageOutput {
  return outputs["w"]!;
}
