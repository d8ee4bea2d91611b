import { checkDecay, column, mapLast, stored } from "./_history.ts";
import { emaWeights, weightedSum } from "./moments.ts";
import type { Schedule } from "./schedules.ts";
import type { ReferenceStage, Snapshot, StageOutput, StepHistory } from "./types.ts";

/** Options of {@linkcode momentumStage}; the names are those of the core's momentum. */
export interface MomentumOptions {
  decay?: number;
  form?: "average" | "sum";
  debias?: boolean;
  nesterov?: boolean;
}

/**
 * Averages the update, `m = Σ ŵ x`, or sums it, `a = Σ β^(t−i) x`.
 *
 * nesterov: `(1−w) m + w x` with w the newest sample's weight, or `x + β a`. Drops the gradient
 * squares. Throws a RangeError for a decay outside [0, 1).
 *
 * @example
 * ```ts
 * import { momentumStage } from "@precond/core/reference";
 * const step = (x: number) => {
 *   const input = Float64Array.of(x);
 *   return { w: { shape: [1], input, gradient: input, weights: input } };
 * };
 * const { update } = momentumStage({ decay: 0.5, form: "sum" })([step(2), step(1)])["w"]!;
 * if (update[0] !== 0.5 * 2 + 1) throw new Error();
 * ```
 */
export function momentumStage(options: MomentumOptions = {}): ReferenceStage {
  const { decay = .9, form = "average", debias = true, nesterov = false } = options;
  checkDecay(decay, "apply momentum");
  return (history) =>
    mapLast(history, (_, samples, { input }) => {
      const count = samples.length;
      const weights = form === "average"
        ? emaWeights(count, decay, { debias })
        : Float64Array.from(samples, (_, i) => decay ** (count - 1 - i));
      const inputs = samples.map(({ input }) => input);
      const m = input.map((_, i) => stored(weightedSum(column(inputs, i), weights)));
      if (!nesterov) return { update: m };
      const w = weights.at(-1)!;
      return {
        update: form === "average"
          ? m.map((m, i) => (1 - w) * m + w * input[i]!)
          : m.map((a, i) => input[i]! + decay * a),
      };
    });
}

/** √(Σ x²) over the given arrays. */
function norm(arrays: readonly Float64Array[]): number {
  let sum = 0;
  for (const array of arrays) for (const x of array) sum += x ** 2;
  return Math.sqrt(stored(sum));
}

/** ‖x‖₂ over every parameter of the last step. */
function globalNorm(history: StepHistory): number {
  return norm(Object.values(history.at(-1)!).map(({ input }) => input));
}

/** x·c, and q·c². */
function scaled({ input, gradientSquares }: Snapshot, c: number): StageOutput {
  const q = gradientSquares?.input;
  return {
    update: input.map((x) => x * c),
    ...(q && { gradientSquares: q.map((q) => q * c ** 2) }),
  };
}

/**
 * `x / (‖x‖₂ + ε)` over the tensor or over all parameters, 0 where that denominator is 0; drops q.
 *
 * @example
 * ```ts
 * import { unitNormStage } from "@precond/core/reference";
 * const x = Float64Array.of(3, -4);
 * const history = [{ w: { shape: [2], input: x, gradient: x, weights: x } }];
 * const { update } = unitNormStage()(history)["w"]!;
 * if (update[0] !== 3 / 5) throw new Error();
 * ```
 */
export function unitNormStage(
  options: { scope?: "tensor" | "all"; epsilon?: number } = {},
): ReferenceStage {
  const { scope = "tensor", epsilon = 0 } = options;
  return (history) =>
    mapLast(history, (_, __, { input }) => {
      const length = scope === "all" ? globalNorm(history) : norm([input]);
      const denominator = length + epsilon;
      const moves = denominator > 0 && denominator < Infinity;
      return { update: input.map((x) => moves ? x / denominator : 0) };
    });
}

/**
 * `x · min(1, max/‖x‖)` with the norm over all parameters of the step.
 *
 * @example
 * ```ts
 * import { clipByGlobalNormStage } from "@precond/core/reference";
 * const x = Float64Array.of(3, -4);
 * const history = [{ w: { shape: [2], input: x, gradient: x, weights: x } }];
 * const { update } = clipByGlobalNormStage(2.5)(history)["w"]!;
 * if (update[0] !== 1.5 || update[1] !== -2) throw new Error();
 * ```
 */
export function clipByGlobalNormStage(max: number): ReferenceStage {
  return (history) => {
    const length = globalNorm(history);
    return mapLast(history, (_, __, last) => {
      if (Number.isFinite(length)) return scaled(last, length > max ? max / length : 1);
      const { update, ...q } = scaled(last, 0);
      return { update: update.fill(0), ...q };
    });
  };
}

/**
 * x clamped to [−limit, limit]; drops q.
 *
 * @example
 * ```ts
 * import { clipByValueStage } from "@precond/core/reference";
 * const x = Float64Array.of(3, -4);
 * const history = [{ w: { shape: [2], input: x, gradient: x, weights: x } }];
 * const { update } = clipByValueStage(3.5)(history)["w"]!;
 * if (update[0] !== 3 || update[1] !== -3.5) throw new Error();
 * ```
 */
export function clipByValueStage(limit: number): ReferenceStage {
  return (history) =>
    mapLast(history, (_, __, { input }) => ({
      update: input.map((x) => Math.min(Math.max(x, -limit), limit)),
    }));
}

/** Which parameters: a pattern that the name contains, or a predicate. */
export type ParameterMatch = RegExp | ((name: string) => boolean);

/**
 * `x + rate · weights`, with the weights before the step; only where the name matches; drops q.
 *
 * @example
 * ```ts
 * import { decoupledWeightDecayStage } from "@precond/core/reference";
 * const x = Float64Array.of(3, -4);
 * const history = [{ w: { shape: [2], input: x, gradient: x, weights: x } }];
 * const { update } = decoupledWeightDecayStage(0.5)(history)["w"]!;
 * if (update[0] !== 4.5 || update[1] !== -6) throw new Error();
 * ```
 */
export function decoupledWeightDecayStage(
  rate: number,
  options: { match?: ParameterMatch } = {},
): ReferenceStage {
  const { match = () => true } = options;
  // search, not test: a global pattern would remember where it stopped
  const matches = typeof match === "function" ? match : (name: string) => name.search(match) >= 0;
  return (history) =>
    mapLast(history, (name, _, { input, weights }) => ({
      update: matches(name) ? input.map((x, i) => x + rate * weights[i]!) : input,
    }));
}

/**
 * `x · lr(iteration − 1) · multiplier(name)`; iteration = 1, 2, … counts the applied steps.
 *
 * @example
 * ```ts
 * import { learningRateStage } from "@precond/core/reference";
 * const x = Float64Array.of(3, -4);
 * const history = [{ w: { shape: [2], input: x, gradient: x, weights: x } }];
 * const { update } = learningRateStage((n) => 1 / (n + 2))(history)["w"]!;
 * if (update[0] !== 1.5 || update[1] !== -2) throw new Error();
 * ```
 */
export function learningRateStage(
  rate: number | Schedule,
  options: { multiplier?: (parameter: string) => number; decayAfter?: number } = {},
): ReferenceStage {
  const { multiplier = () => 1, decayAfter = 0 } = options;
  const schedule = typeof rate === "number" ? () => rate : rate;
  return (history) => {
    const lr = schedule(history.length - 1);
    return mapLast(history, (name, _, last) => {
      const eta = lr * multiplier(name);
      const step = scaled(last, eta);
      if (decayAfter === 0) return step;
      const update = step.update.map((u, i) => {
        const moved = last.weights[i]! - u;
        return last.weights[i]! - (1 - eta * decayAfter) * moved;
      });
      return { ...step, update };
    });
  };
}

/**
 * Leaves steps (or tensors of a step) with a NaN or infinite gradient out of the history.
 *
 * @example
 * ```ts
 * import { referenceOptimizer, skipNonFiniteStage } from "@precond/core/reference";
 * const optimizer = referenceOptimizer({ w: { shape: [1], weights: [7] } }, [skipNonFiniteStage()]);
 * optimizer.step({ w: { gradient: [NaN] } });
 * if (optimizer.weights["w"]![0] !== 7 || optimizer.held !== 1) throw new Error();
 * ```
 */
export function skipNonFiniteStage(options: { scope?: "all" | "tensor" } = {}): ReferenceStage {
  const { scope = "all" } = options;
  const keep = (history: StepHistory) => mapLast(history, (_, __, last) => scaled(last, 1));
  return Object.assign(keep, { holds: scope });
}
