import type { Snapshot, StageOutput, StepHistory } from "./types.ts";

/** Every snapshot of one parameter, oldest first. */
export function samplesOf(history: StepHistory, name: string): Snapshot[] {
  return history.flatMap((step) => step[name] ?? []);
}

/** Applies `rule` to each parameter of the last step, with all its snapshots. */
export function mapLast(
  history: StepHistory,
  rule: (name: string, samples: readonly Snapshot[], last: Snapshot) => StageOutput,
): Record<string, StageOutput> {
  const step = history.at(-1);
  if (step === undefined) throw new RangeError("Cannot apply a stage: the history is empty");
  return Object.fromEntries(
    Object.entries(step).map(([name, last]) => [name, rule(name, samplesOf(history, name), last)]),
  );
}

/** The history that the next stage sees: x and q replaced at every step. */
export function flowOn(
  step: Readonly<Record<string, Snapshot>>,
  outputs: Readonly<Record<string, StageOutput>>,
): Record<string, Snapshot> {
  return Object.fromEntries(
    Object.entries(step).map(([name, { gradientSquares, ...rest }]) => {
      const { update, gradientSquares: input } = outputs[name]!;
      return [name, {
        ...rest,
        input: update,
        ...(gradientSquares && {
          gradientSquares: { raw: gradientSquares.raw, ...(input && { input }) },
        }),
      }];
    }),
  );
}

/** The values of element i in every array. */
export function column(arrays: readonly Float64Array[], i: number): Float64Array {
  return Float64Array.from(arrays, (array) => array[i]!);
}

/** The elements that share a row, or the tensor, with element i: [from, to). */
export function poolOf(
  shape: readonly number[],
  length: number,
  pool: "element" | "row" | "tensor",
  i: number,
): [number, number] {
  if (pool === "tensor") return [0, length];
  if (pool === "element") return [i, i + 1];
  const columns = shape.at(-1) ?? 1;
  const from = Math.floor(i / columns) * columns;
  return [from, from + columns];
}

/** Σ_{i in [from, to)} values_i */
export function sumRange(values: Float64Array, from = 0, to: number = values.length): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i]!;
  return sum;
}

/** 1/x, and 0 for 0: what never saw anything is not moved. */
export function inverseOrZero(x: number): number {
  return x === 0 ? 0 : 1 / x;
}

/** What optimizers store is float32: what is larger is infinite. */
export function stored(x: number): number {
  return Number.isFinite(Math.fround(x)) ? x : Math.fround(x);
}

/** Throws unless decay is in [0, 1). */
export function checkDecay(decay: number, action: string): void {
  if (!(decay >= 0 && decay < 1)) { // also catches NaN
    throw new RangeError(`Cannot ${action}: decay must be in [0, 1), current value is ${decay}`);
  }
}
