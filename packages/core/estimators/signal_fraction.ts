/** @module */
import { specify } from "../chain/specification.ts";
import { average, largest, weightedEma, weights } from "../chain/ema.ts";
import { mergedEma } from "../chain/merged_averages.ts";
import type { Piece, PreconditionerEstimator, RuleInputs, SlotSpec } from "../chain/types.ts";
import {
  add,
  and,
  constant,
  div,
  divide0,
  type Expr,
  gt,
  le,
  max,
  min,
  mul,
  power,
  select,
  sqrt,
  square,
  sub,
} from "../kernel/expr.ts";
import { checkSignalFraction, type SignalFractionOptions } from "./signal_fraction_options.ts";

/** Numerator, denominator and second moment of a signal fraction, and the ρ that floors it. */
interface Ratio {
  readonly signal: Expr;
  readonly total: Expr;
  /** total − signal, without cancellation. */
  readonly noise: Expr;
  readonly energy: Expr;
  readonly rho: Expr;
}

/** D and the noise variances made from it: s (σ²), ρs (of the mean), s/b (of this sample). */
interface Noise {
  readonly rho: Expr;
  readonly deviation: Expr;
  readonly meanNoise: Expr;
  readonly sampleNoise: Expr;
  /** σ²(1/b − ρ): what, added to m², is unbiased for g² + σ²/b. */
  readonly excess: Expr;
}

function ratioOf(m: Expr, n: Noise, { of, correction }: SignalFractionOptions): Ratio {
  const m2 = square(m);
  const energy = of === "mean" ? m2 : add(m2, n.deviation);
  const plain = { energy, rho: n.rho };
  if (correction === "none") {
    return { ...plain, signal: m2, total: add(m2, n.deviation), noise: n.deviation };
  }
  const noise = of === "mean" ? n.meanNoise : n.sampleNoise;
  if (correction === "variance") return { ...plain, signal: m2, total: add(m2, noise), noise };
  const total = of === "mean" ? m2 : add(m2, n.excess);
  return { ...plain, signal: sub(m2, n.meanNoise), total, noise };
}

/** Another power of T is another scale of all that comes after it. */
function meaningOf({ exponent }: Required<SignalFractionOptions>): Pick<Piece, "meaning"> {
  return exponent === 1 ? {} : { meaning: `power:${exponent}` };
}

/** Whether there was a gradient, and no second moment that overflowed float32. */
const known = (total: Expr) => and(gt(total, 0), le(total, largest));

/** T = signal/total, pooled, floored at `floor · ρ`, and 0 where there never was a gradient. */
function fractionOf(
  ratio: Ratio,
  options: Required<SignalFractionOptions>,
  { sum }: Pick<RuleInputs, "sum">,
): Expr {
  const { pool, floor } = options;
  const pooled = (a: Expr) => pool === "element" ? a : sum(a, pool);
  const [signal, total] = [pooled(ratio.signal), pooled(ratio.total)];
  return select(known(total), max(div(signal, total), mul(floor, ratio.rho)), 0);
}

/** 1 − T to full precision where T is close to 1. */
function complementOf(
  ratio: Ratio,
  { pool, floor }: Required<SignalFractionOptions>,
  { sum }: RuleInputs,
) {
  const pooled = (a: Expr) => pool === "element" ? a : sum(a, pool);
  const [noise, total] = [pooled(ratio.noise), pooled(ratio.total)];
  return select(known(total), min(div(noise, total), sub(1, mul(floor, ratio.rho))), 1);
}

/** Tᵖ, with E‖T x‖² made equal to E‖x‖², or to the energy of the signal, if asked for. */
function factorOf(
  T: Expr,
  { energy, signal, rho }: Ratio,
  options: Required<SignalFractionOptions>,
  { sum }: RuleInputs,
) {
  const raised = power(T, options.exponent);
  if (options.scale === "absolute") return raised;
  const kept = sum(mul(square(raised), energy), "tensor");
  const wanted = options.scale === "unit-norm" ? sum(energy, "tensor") : max(
    sum(signal, "tensor"),
    sum(mul(mul(options.floor, rho), energy), "tensor"),
  );
  return mul(raised, sqrt(divide0(wanted, kept)));
}

/**
 * The signal fraction `T = g² / (g² + σ²)` of whatever it multiplies.
 *
 * Weighted Welford recursion on the samples x, with w the newest sample's weight:
 * ```
 * d = x − m,  m ← (1−w)m + wx,  D = (1−w)(D + w d²),  ρ = (1−w)²ρ + w²
 * s = D/(1−ρ)  (σ², unbiased),  g² = m² − ρs  (unbiased),  T = g²/(m² + D)
 * ```
 * Averages first, ratio second; negative estimates become `floor · ρ`, and 0/0 (a parameter that
 * never had a gradient) 0, as is the T of a second moment beyond float32. On the first sample, when noise cannot be told from signal, T = 1.
 * Batches of unequal size weigh by their size. Each number is per element, per row (last axis) or
 * per tensor according to `pool`; gradients are means over the batch, T is a pure number.
 *
 * With `memory: "adaptive"` each element keeps its own memory, `w = 1/τ`, `τ ← (1−T)τ + 1`, which
 * is what makes steps shrink as 1/t near a minimum. With `from: "gradientSquares"` signal and noise
 * come from within the batch: `g² = (k x² − q)/(k − 1)` over x², each averaged over steps.
 *
 * T is estimated from the same gradient that it multiplies, which correlates the two; `lag` uses
 * the previous step's T instead.
 *
 * Source: Hilton, "Preconditioning for stochastic gradient descent" (2019), third display;
 * adaptive memory: Schaul, Zhang & LeCun (2013), arXiv 1206.1106.
 *
 * @throws {RangeError} For options out of range.
 *
 * @example
 * ```ts
 * import { createOptimizer, chain, scaleBy, signalFraction } from "@precond/core";
 * import assert from "node:assert/strict";
 *
 * // β = .9, gradients 1, 2: T = .8061224490
 * const optimizer = createOptimizer(chain(scaleBy(signalFraction({ decay: 0.9 }))));
 * const w = new Float32Array(1);
 * optimizer.step({ w: { weights: w, gradient: Float32Array.of(1) } }); // T = 1
 * optimizer.step({ w: { weights: w, gradient: Float32Array.of(2) } });
 * assert.ok(Math.abs(-w[0]! - (1 + 0.806122449 * 2)) < 1e-6);
 * ```
 */
export function signalFraction(options: SignalFractionOptions = {}): PreconditionerEstimator {
  const given = checkSignalFraction(options);
  const { decay, memory, from } = given;
  if (from === "gradientSquares") return withinBatch(given);
  const adaptive = memory === "adaptive";
  const slots: Record<string, SlotSpec> = adaptive
    ? {
      m: { turns: true },
      d: { merge: { deviationFrom: "m" } },
      memory: { merge: "mean" },
      spread: { merge: "spread" },
    }
    : { m: { turns: true }, d: { merge: { deviationFrom: "m" } } };

  const noise = (
    { scalar, slot }: Pick<RuleInputs, "scalar" | "slot">,
    deviation: Expr,
    spread: Expr | undefined,
    lag: boolean,
  ): Noise => {
    if (adaptive) {
      const known = spread ?? slot("spread");
      const rho = sub(1, known);
      const s = divide0(deviation, known);
      return {
        rho,
        deviation,
        meanNoise: mul(rho, s),
        sampleNoise: s,
        excess: deviation,
      };
    }
    const lagged = lag ? "lag" : "";
    const times = (key: string) => mul(scalar(lagged + key), deviation);
    return {
      rho: scalar(`${lagged}rho`),
      deviation,
      meanNoise: times("meanNoise"),
      sampleNoise: times("sampleNoise"),
      excess: times("excess"),
    };
  };

  return {
    ...specify("signalFraction", options),
    name: "signalFraction",
    needs: ["gradient"],
    slots,
    ...meaningOf(given),
    scalars({ step, batchSize }, previous) {
      if (adaptive) return { adapt: step >= given.warmup ? 1 : 0, ready: step > 1 ? 1 : 0 };
      const ema = weightedEma(decay, batchSize, previous);
      return {
        ...ema,
        ...weights(ema.w),
        ...noiseScales(ema),
        ready: previous ? 1 : 0,
        lagrho: previous?.rho ?? 1,
        lagmeanNoise: previous?.meanNoise ?? 0,
        lagsampleNoise: previous?.sampleNoise ?? 0,
        lagexcess: previous?.excess ?? 1,
      };
    },
    mergeScalars(states, base) {
      if (adaptive) return {};
      const ema = mergedEma(decay, states, base);
      return { ...ema, ...noiseScales(ema) };
    },
    estimate(inputs) {
      const { x, slot, scalar } = inputs;
      // Near τ = 1 everything hangs on τ − 1 and 1 − ρ, so these are what is kept.
      const memory = adaptive ? slot("memory") : constant(0);
      const w = adaptive ? div(1, add(memory, 1)) : scalar("w");
      const kept = adaptive ? mul(memory, w) : scalar("keep");
      const delta = sub(x, slot("m"));
      const shift = mul(w, delta);
      // Not m + w(x − m): an m that overflowed would become NaN.
      const m = adaptive
        ? add(mul(kept, slot("m")), mul(w, x))
        : average(decay, slot("m"), x, scalar);
      // Without memory nothing is kept, not even 0 times what overflowed.
      const d = !adaptive && decay === 0
        ? constant(0)
        : mul(kept, add(slot("d"), mul(shift, delta)));
      const next: Record<string, Expr> = { m, d };
      const spread = adaptive ? mul(kept, sub(2, mul(kept, sub(2, slot("spread"))))) : undefined;
      const now = ratioOf(m, noise(inputs, d, spread, false), given);
      const T = fractionOf(now, given, inputs);
      if (spread) {
        next.spread = spread;
        const left = select(gt(scalar("adapt"), 0), complementOf(now, given, inputs), 1);
        next.memory = mul(left, add(memory, 1));
      }
      if (!given.lag) return { factor: factorOf(T, now, given, inputs), slots: next };
      const before = ratioOf(slot("m"), noise(inputs, slot("d"), undefined, true), given);
      const lagged = factorOf(fractionOf(before, given, inputs), before, given, inputs);
      return { factor: select(gt(scalar("ready"), 0), lagged, 1), slots: next };
    },
    inspect(inputs) {
      const [m, d] = [inputs.slot("m"), inputs.slot("d")];
      const n = noise(inputs, d, undefined, false);
      return {
        fraction: fractionOf(ratioOf(m, n, given), given, inputs),
        signal: sub(square(m), n.meanNoise),
        noise: n.sampleNoise,
      };
    },
  };
}

/** What D is multiplied by for ρs, s/b and s(1/b − ρ). */
function noiseScales({ rho, mix, b }: { rho: number; mix: number; b: number }) {
  // One sample (or no memory): D = 0, so that any finite scale gives s = 0 and T = 1.
  const spread = mix - rho > 1e-12 ? mix - rho : Infinity;
  return {
    meanNoise: rho / spread,
    sampleNoise: 1 / (b * spread),
    // Exactly 1 for equal batches: (1 − ρ)/(1 − ρ).
    excess: spread < Infinity ? (1 / b - rho) / spread : 1,
  };
}

/** Signal and noise from k micro-batches of one step, averaged over the steps that bring them. */
function withinBatch(options: Required<SignalFractionOptions>): PreconditionerEstimator {
  const { decay, lag } = options;
  return {
    ...specify("signalFraction", options),
    name: "signalFraction",
    needs: ["gradient", "gradientSquares"],
    slots: { a: { merge: { meanWhere: "ready" } }, b: { merge: { meanWhere: "ready" } } },
    ...meaningOf(options),
    scalars({ fresh, microBatches: k, batchSize }, previous) {
      // One micro-batch has no spread: the last batch of an epoch may be a single example.
      if (!fresh.gradientSquares || k === 1) {
        const ready = previous?.ready ?? 0, rho = previous?.rho ?? 1;
        const none = { w: 0, keep: 1, mean: 0, squares: 0 };
        return { ...previous, ...none, rho, lagrho: rho, ready, lagready: ready };
      }
      if (!(k >= 2)) {
        throw new RangeError(
          `Cannot estimate the signal fraction: microBatches must be a positive integer, ` +
            `current value is ${k}`,
        );
      }
      const first = previous?.ready !== 1;
      const ema = weightedEma(decay, batchSize, first ? undefined : previous);
      return {
        ...ema,
        ...weights(ema.w),
        mean: k / (k - 1),
        squares: 1 / (k - 1),
        ready: 1,
        lagready: first ? 0 : 1,
        lagrho: first ? 1 : previous.rho ?? 1,
      };
    },
    mergeScalars(states, base) {
      const seen = states.filter(({ scalars }) => scalars.ready === 1);
      if (seen.length === 0) return {};
      const total = seen.reduce((sum, { weight }) => sum + weight, 0);
      const shares = seen.map((s) => ({ ...s, weight: s.weight / total }));
      const started = base?.scalars.ready === 1 ? base : undefined;
      return { ...mergedEma(decay, shares, started), ready: 1, lagready: 1 };
    },
    estimate(inputs) {
      const { x, gradientSquares: q, slot, scalar } = inputs;
      const [a0, b0] = [slot("a"), slot("b")];
      let [a, b] = [a0, b0];
      if (q) {
        const x2 = square(x);
        const signal = sub(mul(scalar("mean"), x2), mul(scalar("squares"), q));
        a = average(decay, a0, signal, scalar);
        b = average(decay, b0, x2, scalar);
      }
      const old = lag && q !== undefined;
      const ready = scalar(old ? "lagready" : "ready");
      const rho = scalar(old ? "lagrho" : "rho");
      const ratio = old
        ? { signal: a0, total: b0, noise: sub(b0, a0), energy: b0, rho }
        : { signal: a, total: b, noise: sub(b, a), energy: b, rho };
      const T = fractionOf(ratio, options, inputs);
      const factor = select(gt(ready, 0), factorOf(T, ratio, options, inputs), 1);
      return { factor, slots: { a, b } };
    },
    inspect({ slot, scalar, sum }) {
      const [signal, total] = [slot("a"), slot("b")];
      const noise = sub(total, signal);
      const ratio = { signal, total, noise, energy: total, rho: scalar("rho") };
      return { fraction: fractionOf(ratio, options, { sum }), signal, noise };
    },
  };
}
