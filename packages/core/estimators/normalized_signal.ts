/** @module */
import { checkOptions } from "../checks.ts";
import { specify } from "../chain/specification.ts";
import { average, newestWeight, weights } from "../chain/ema.ts";
import { type MergedAverage, mergedRho } from "../chain/merged_averages.ts";
import type { PreconditionerEstimator, RuleInputs, StepInfo } from "../chain/types.ts";
import {
  add,
  div,
  divide0,
  type Expr,
  gt,
  max,
  min,
  mul,
  power,
  select,
  sqrt,
  square,
  sub,
} from "../kernel/expr.ts";
import * as kinds from "../kinds.ts";

/** Options of {@linkcode normalizedSignal}. */
export interface NormalizedSignalOptions {
  /** Decay of the second moment v, in [0, 1); default 0.999. */
  readonly decay?: number;
  /** Power of the signal fraction: a multiple of 1/8 in (0, 4]; default 0.5. */
  readonly exponent?: number;
  /**
   * How the memory of the mean grows: τ = n for the first `warmup` samples, then by `growth` with each
   * sample; in [0, 1], default 0.5: the mean is over the later half of the run.
   */
  readonly growth?: number;
  /** The memory grows up to this many samples; default 1000. */
  readonly memory?: number;
  /** Samples averaged plainly at first, at least 2; default 10. */
  readonly warmup?: number;
  /** T is at least `floor · ρ`; in [0, 1], default 0.5. */
  readonly floor?: number;
  /** ε² is added to v, so that √v counts as ε at least; default 1e-8. */
  readonly epsilon?: number;
}

/** Second moments beyond this have no normal reciprocal: their elements stand still. */
const bound = 2 ** 126;

/** The weight of the newest sample, and ρ, the sum of the squared weights. */
interface Memory {
  readonly w: number;
  readonly rho: number;
}

/** The memory after n samples, from the one before. */
function memoryAt(
  n: number,
  { growth, memory, warmup }: { growth: number; memory: number; warmup: number },
  previous: number | undefined,
): Memory {
  const w = 1 / Math.min(n <= warmup ? n : warmup + growth * (n - warmup), Math.max(memory, 1));
  return { w, rho: n === 1 ? 1 : (1 - w) ** 2 * (previous ?? 1) + w * w };
}

/**
 * The signal fraction of the RMS-normalised gradient, `Tᵖ / √(v + ε²)`: Adam's denominator and a
 * signal fraction from two arrays, as both need one second moment.
 *
 * ```
 * v ← v + w_v (x² − v)           w_v = (1−β)/(1−βᵗ):  E[x²]
 * m ← m + (x − m)/τ              τ grows with the run, see `growth`
 * ρ = (1 − 1/τ)² ρ + 1/τ²        of the weights in m
 * T = (m²/v − ρ) / (1 − ρ)       unbiased for g² over E[x²]; between floor·ρ and 1
 * ```
 * m² is g² + ρσ² in the mean and v is g² + σ², whatever the memory of v; so T is unbiased in both
 * as long as the noise changes slowly. `x/√v` has unit size, so `√T x/√v` is in expectation
 * `sign(g) · T`. On the first sample T = 1. Each number is per element; x is a mean over the batch,
 * T a pure number. Batches of different size count alike. In T, too, v stands for v + ε²; where v is
 * beyond 2¹²⁶ (gradients beyond 9e18) the factor is 0.
 *
 * The memory that grows with the run takes the place of an adaptive memory for each element
 * (`signalFraction({ memory: "adaptive" })`): where T is small such memories grow by 1 − T a step too.
 * It needs no array and no sums, and measured alike; `memory` bounds it, so that a gradient that
 * turns is followed.
 *
 * Source: Hilton, "Preconditioning for stochastic gradient descent" (2019), for T; Kingma & Ba (2015)
 * for v; Lacoste-Julien et al. (2012), arXiv 1212.2002, for averages over the later part of a run.
 *
 * @throws {TypeError | RangeError} For unknown options, or options out of range.
 *
 * @example
 * ```ts
 * import { chain, learningRate, momentum, scaleBy } from "@precond/core";
 * import { normalizedSignal, warmUp } from "@precond/core/pieces";
 *
 * chain(
 *   scaleBy(normalizedSignal()),
 *   momentum({ decay: 0.5 }),
 *   learningRate(warmUp({ steps: 50, then: 0.05 })),
 * ); // snrOnly()
 * ```
 */
export function normalizedSignal(options: NormalizedSignalOptions = {}): PreconditionerEstimator {
  const given = checkOptions("estimate the normalised signal", options, {
    decay: kinds.decay,
    exponent: kinds.exponent,
    growth: kinds.fraction,
    memory: kinds.positive,
    warmup: kinds.integer(2),
    floor: kinds.fraction,
    epsilon: kinds.normal,
  });
  const {
    decay = 0.999,
    exponent = 0.5,
    growth = 0.5,
    memory = 1000,
    warmup = 10,
    floor = 0.5,
    epsilon = 1e-8,
  } = given;
  const inverseOf = (v: Expr) => epsilon > 0 ? div(1, add(v, epsilon ** 2)) : divide0(1, v);
  return {
    ...specify("normalizedSignal", given),
    name: "normalizedSignal",
    needs: ["gradient"],
    slots: { v: { merge: "mean" }, m: { turns: true } },
    scalars({ step }: StepInfo, previous) {
      const { w, rho } = memoryAt(step, { growth, memory, warmup }, previous?.rho);
      const v = weights(newestWeight(decay, step));
      return { ...weights(w), "v.w": v.w, "v.keep": v.keep, ...fractionScales(rho, floor) };
    },
    mergeScalars(states, base) {
      const averages = states.map(({ weight, step, scalars }): MergedAverage => {
        let shared = base ? 1 : 0;
        for (let n = (base?.step ?? step) + 1; n <= step; n++) {
          shared *= 1 - memoryAt(n, { growth, memory, warmup }, 1).w;
        }
        return { weight, rho: scalars.rho!, shared };
      });
      return fractionScales(mergedRho(averages, base?.scalars.rho), floor);
    },
    estimate(inputs) {
      const { x, slot, scalar } = inputs;
      const v = average(decay, slot("v"), square(x), (key) => scalar(`v.${key}`));
      const m = average(memory <= 1 ? 0 : memory, slot("m"), x, scalar);
      const q = inverseOf(v);
      const T = fractionOf(m, q, inputs);
      // One root for both where the exponent allows.
      const factor = exponent === 0.5 ? sqrt(mul(T, q)) : mul(power(T, exponent), sqrt(q));
      return { factor: select(gt(v, bound), 0, factor), slots: { v, m } };
    },
    inspect(inputs) {
      const { slot, scalar } = inputs;
      const [v, m2] = [slot("v"), square(slot("m"))];
      return {
        fraction: select(gt(v, bound), 1, fractionOf(slot("m"), inverseOf(v), inputs)),
        signal: sub(mul(scalar("a"), m2), mul(scalar("b"), v)),
        noise: mul(scalar("a"), max(sub(v, m2), 0)),
      };
    },
  };
}

/** ρ, and a and b of T = a m²/v − b; of one sample T = 1. */
function fractionScales(rho: number, floor: number) {
  const [a, b] = rho < 1 ? [1 / (1 - rho), rho / (1 - rho)] : [0, -1];
  return { rho, a, b, least: floor * rho };
}

/** T from m and q = 1/(v + ε²). */
function fractionOf(m: Expr, q: Expr, { scalar }: Pick<RuleInputs, "scalar">): Expr {
  const T = sub(mul(scalar("a"), mul(square(m), q)), scalar("b"));
  return min(max(T, scalar("least")), 1);
}
