/**
 * A separable noisy quadratic `½ Σ h θ²` with gradient `hθ + noise`, Var[noise] = c, E[θ_0²] = s0.
 *
 * Arrays of one length; h > 0, c ≥ 0 (of the mean over the batch), s0 ≥ 0.
 */
export interface SeparableQuadratic {
  readonly h: Float64Array;
  readonly c: Float64Array;
  readonly s0: Float64Array;
}

/**
 * How a method multiplies the gradient at learning rate a, told s = E θ² (T is the true one).
 *
 * sgd: a; curvature: a/h; snr: a T; adam: a/√(E g_s²), an oracle; combined: a T/h,
 * with E g_s² = h²s + c and T = h²s/(h²s + c).
 */
export type OracleMethod = "sgd" | "curvature" | "snr" | "adam" | "combined";

/**
 * One exact step of one coordinate: `s' = (1 − P h)² s + P² c`.
 *
 * @example
 * ```ts
 * import { nextSecondMoment } from "@precond/core/reference";
 * const s = nextSecondMoment("combined", 1, { h: 1, c: 1, s: 1 });
 * if (s !== 1 / 2) throw new Error(); // κs/(κ + s)
 * ```
 */
export function nextSecondMoment(
  method: OracleMethod,
  learningRate: number,
  at: { h: number; c: number; s: number },
): number {
  const { h, c, s } = at;
  if (h * h * s + c === 0) return 0;
  const P = learningRate * oracleFactor(method, at);
  return (1 - P * h) ** 2 * s + P * P * c;
}

function oracleFactor(method: OracleMethod, { h, c, s }: { h: number; c: number; s: number }) {
  const T = h * h * s / (h * h * s + c);
  switch (method) {
    case "sgd":
      return 1;
    case "curvature":
      return 1 / h;
    case "snr":
      return T;
    case "adam":
      return 1 / Math.sqrt(h * h * s + c);
    case "combined":
      return T / h;
  }
}

/**
 * The closed form of `s_t = E θ_t²`: geometric for sgd and curvature, `κ s0/(κ + t s0)` for combined.
 *
 * With κ = c/h² and q = (1 − P h)²: `s_t = q^t (s0 − s∞) + s∞`; combined is at learning rate 1 only.
 * Throws a RangeError for combined at another learning rate.
 *
 * @example
 * ```ts
 * import { secondMomentsAt } from "@precond/core/reference";
 * const one = Float64Array.of(1);
 * const [s] = secondMomentsAt({ h: one, c: one, s0: one }, "combined", { steps: 9 });
 * if (s !== 1 / 10) throw new Error();
 * ```
 */
export function secondMomentsAt(
  problem: SeparableQuadratic,
  method: "sgd" | "curvature" | "combined",
  options: { steps: number; learningRate?: number },
): Float64Array {
  const { steps, learningRate: a = 1 } = options;
  const { h, c, s0 } = problem;
  if (method === "combined") {
    if (a !== 1) {
      throw new RangeError(
        `Cannot give the closed form: combined has one at learning rate 1, current value is ${a}`,
      );
    }
    return s0.map((s0, i) => {
      const kappa = c[i]! / h[i]! ** 2;
      return steps === 0 || s0 === 0 ? s0 : kappa * s0 / (kappa + steps * s0);
    });
  }
  const last = stationarySecondMoments(problem, method, a);
  return s0.map((s0, i) => {
    const rate = method === "sgd" ? a * h[i]! : a;
    return (1 - rate) ** (2 * steps) * (s0 - last[i]!) + last[i]!;
  });
}

/**
 * What E θ² settles at: `a c/(h(2 − a h))` for sgd, `aκ/(2 − a)` for curvature.
 *
 * Throws a RangeError where a coordinate diverges.
 *
 * @example
 * ```ts
 * import { stationarySecondMoments } from "@precond/core/reference";
 * const problem = { h: Float64Array.of(2), c: Float64Array.of(4), s0: Float64Array.of(1) };
 * if (stationarySecondMoments(problem, "curvature", 1)[0] !== 1) throw new Error(); // κ = 1
 * ```
 */
export function stationarySecondMoments(
  { h, c }: SeparableQuadratic,
  method: "sgd" | "curvature",
  learningRate: number,
): Float64Array {
  return h.map((h, i) => {
    const rate = method === "sgd" ? learningRate * h : learningRate; // P h
    if (!(rate > 0 && rate < 2)) {
      throw new RangeError(
        `Cannot settle: learning rate × curvature must be in (0, 2), current value is ${rate}`,
      );
    }
    return rate * c[i]! / h ** 2 / (2 - rate);
  });
}

/**
 * The true signal fraction of the combined method after t steps: `T_t = 1/(t + 1 + κ/s0)`.
 *
 * The Robbins–Monro 1/t rate, with no schedule.
 *
 * @example
 * ```ts
 * import { combinedSignalFractionAt } from "@precond/core/reference";
 * const one = Float64Array.of(1);
 * if (combinedSignalFractionAt({ h: one, c: one, s0: one }, 8)[0] !== 1 / 10) throw new Error();
 * ```
 */
export function combinedSignalFractionAt(
  { h, c, s0 }: SeparableQuadratic,
  steps: number,
): Float64Array {
  return h.map((h, i) => 1 / (steps + 1 + c[i]! / h ** 2 / s0[i]!));
}

/**
 * The late `s_t ≈ κ/(a h (2 − a h) t)` of the SNR-only method.
 *
 * @example
 * ```ts
 * import { snrSecondMomentsLate } from "@precond/core/reference";
 * const one = Float64Array.of(1);
 * const problem = { h: one, c: one, s0: one };
 * const [s] = snrSecondMomentsLate(problem, { steps: 100, learningRate: 1 });
 * if (s !== 1 / 100) throw new Error();
 * ```
 */
export function snrSecondMomentsLate(
  { h, c }: SeparableQuadratic,
  options: { steps: number; learningRate: number },
): Float64Array {
  const { steps, learningRate: a } = options;
  return h.map((h, i) => c[i]! / h ** 2 / (a * h * (2 - a * h) * steps));
}
