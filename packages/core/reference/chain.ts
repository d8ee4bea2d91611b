import { flowOn } from "./_history.ts";
import type { ReferenceStage, Snapshot, StepHistory } from "./types.ts";

/**
 * Stages in sequence as one stage: each sees, for every past step, what the stages before it made.
 *
 * Recomputes every prefix of the history: for short ones. {@linkcode referenceOptimizer} keeps them.
 *
 * @example
 * ```ts
 * import { clipByValueStage, learningRateStage, referenceChain } from "@precond/core/reference";
 * const x = Float64Array.of(3);
 * const history = [{ w: { shape: [1], input: x, gradient: x, weights: x } }];
 * const { update } = referenceChain(clipByValueStage(1), learningRateStage(0.5))(history)["w"]!;
 * if (update[0] !== 0.5) throw new Error();
 * ```
 */
export function referenceChain(...stages: readonly ReferenceStage[]): ReferenceStage {
  const chained = (history: StepHistory) => {
    const flowed = stages.reduce<StepHistory>(
      (seen, stage) => seen.map((step, i) => flowOn(step, stage(seen.slice(0, i + 1)))),
      history,
    );
    return Object.fromEntries(
      Object.entries(flowed.at(-1)!).map(([name, { input, gradientSquares: q }]) => [
        name,
        { update: input, ...(q?.input && { gradientSquares: q.input }) },
      ]),
    );
  };
  const holds = heldScope(stages);
  return Object.assign(chained, holds && { holds });
}

function heldScope(stages: readonly ReferenceStage[]): "all" | "tensor" | undefined {
  const scopes = stages.map(({ holds }) => holds);
  return scopes.find((scope) => scope === "all") ?? scopes.find((scope) => scope === "tensor");
}

/** What a host measured of one parameter in one step; arrays are flat, gradients are batch means. */
export interface ReferenceEvidence {
  gradient: ArrayLike<number>;
  curvature?: ArrayLike<number>;
  gradientSquares?: ArrayLike<number>;
}

/** A running reference optimizer; `weights` change in place. */
export interface ReferenceOptimizer {
  readonly weights: Readonly<Record<string, Float64Array>>;
  /** What the last applied step subtracted. */
  readonly updates: Readonly<Record<string, Float64Array>>;
  /** Applied steps. */
  readonly iteration: number;
  /** Held steps; with scope "tensor", held tensors. */
  readonly held: number;
  step(
    evidence: Readonly<Record<string, ReferenceEvidence>>,
    info?: { batchSize?: number; microBatches?: number },
  ): void;
}

/**
 * Runs a chain over named parameters: every step appends to the history and does `weights −= update`.
 *
 * A parameter missing from the evidence of a step has no entry in that step. Throws a TypeError for an
 * unknown parameter or an array whose length is not the parameter's.
 *
 * @example
 * ```ts
 * import { learningRateStage, referenceOptimizer } from "@precond/core/reference";
 * const optimizer = referenceOptimizer({ w: { shape: [2], weights: [1, 1] } }, [learningRateStage(0.5)]);
 * optimizer.step({ w: { gradient: [2, -2] } });
 * if (optimizer.weights["w"]![0] !== 0 || optimizer.weights["w"]![1] !== 2) throw new Error();
 * ```
 */
export function referenceOptimizer(
  parameters: Readonly<Record<string, { shape: readonly number[]; weights: ArrayLike<number> }>>,
  stages: readonly ReferenceStage[],
): ReferenceOptimizer {
  const weights = mapValues(parameters, (name, { shape, weights }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return toFloat64(weights, size, `make "${name}": weights`);
  });
  // One history before each stage, and one after the last.
  const histories: Record<string, Snapshot>[][] = [[], ...stages.map(() => [])];
  const scope = heldScope(stages);
  let held = 0;

  function snapshot(name: string, given: ReferenceEvidence, info: object): Snapshot {
    const before = weights[name];
    if (before === undefined) throw new TypeError(`Cannot step: there is no parameter "${name}"`);
    const read = (key: keyof ReferenceEvidence) =>
      given[key] && toFloat64(given[key], before.length, `step "${name}": ${key}`);
    const gradient = read("gradient")!;
    const curvature = read("curvature");
    const raw = read("gradientSquares");
    return {
      shape: parameters[name]!.shape,
      input: gradient,
      weights: before.slice(),
      gradient,
      ...(curvature && { curvature }),
      ...(raw && { gradientSquares: { input: raw, raw } }),
      ...info,
    };
  }

  return {
    weights,
    get updates() {
      return mapValues(histories.at(-1)!.at(-1) ?? {}, (_, { input }) => input);
    },
    get iteration() {
      return histories[0]!.length;
    },
    get held() {
      return held;
    },
    step(evidence, info = {}) {
      let step = mapValues(evidence, (name, given) => snapshot(name, given, info));
      // The squares of what is larger overflow float32.
      const good = (g: number) => Math.abs(g) <= 1.8e19; // false for NaN, too
      const bad = Object.keys(step).filter((name) => !step[name]!.gradient.every(good));
      if (scope === "all" && bad.length > 0) {
        held++;
        return;
      }
      if (scope === "tensor") {
        held += bad.length;
        step = Object.fromEntries(Object.entries(step).filter(([name]) => !bad.includes(name)));
      }
      if (Object.keys(step).length === 0) return;
      const flows = [step];
      stages.forEach((stage, k) => {
        flows.push(flowOn(flows[k]!, stage([...histories[k]!, flows[k]!])));
      });
      // Kept only now: a stage that throws leaves nothing half done.
      flows.forEach((flow, k) => histories[k]!.push(flow));
      for (const [name, { input }] of Object.entries(flows.at(-1)!)) {
        input.forEach((update, i) => weights[name]![i]! -= update);
      }
    },
  };
}

function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  map: (name: string, value: A) => B,
): Record<string, B> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, map(name, value)]),
  );
}

function toFloat64(values: ArrayLike<number>, size: number, what: string): Float64Array {
  if (values.length !== size) {
    throw new TypeError(
      `Cannot ${what} must have ${size} elements, current length is ${values.length}`,
    );
  }
  return Float64Array.from(values);
}
