import { nextSecondMoment, type OracleMethod, type SeparableQuadratic } from "./noisy_quadratic.ts";

/**
 * n numbers from `from` to `to`, evenly spaced in the logarithm, both ends included.
 *
 * @example
 * ```ts
 * import { logSpaced } from "@precond/core/reference";
 * if (logSpaced(1, 16, 3)[1] !== 4) throw new Error();
 * ```
 */
export function logSpaced(from: number, to: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => from * (to / from) ** (i / (count - 1)));
}

const K = 50;
const ones = new Float64Array(K).fill(1);
const identity = ones;
const condition1e3 = logSpaced(1e-3, 1, K);
const spread = logSpaced(1e-3, 10, K);
// κ independent of h, without a random number: 7 and 50 have no common divisor.
const shuffled = spread.map((_, i) => spread[7 * i % K]!);

/**
 * Five separable problems of K = 50 coordinates that the methods win and lose as theory says.
 *
 * A: H = I, c log-spaced 1e-3..10. B: condition 1e3, no noise. C: condition 1e3, c = H/16.
 * D: condition 1e3, κ = c/h² log-spaced 1e-3..10 in an order independent of h. E: condition 1e3,
 * c = 1e-4. "Condition 1e3" is h log-spaced 1e-3..1; s0 = 1 everywhere.
 *
 * @example
 * ```ts
 * import { separableProblems, stepsToTarget } from "@precond/core/reference";
 * if (stepsToTarget(separableProblems.B, "curvature", { learningRate: 1 }) !== 1) throw new Error();
 * ```
 */
export const separableProblems: Readonly<Record<"A" | "B" | "C" | "D" | "E", SeparableQuadratic>> =
  {
    A: { h: identity, c: spread, s0: ones },
    B: { h: condition1e3, c: new Float64Array(K), s0: ones },
    C: { h: condition1e3, c: condition1e3.map((h) => h / 16), s0: ones },
    D: { h: condition1e3, c: condition1e3.map((h, i) => h * h * shuffled[i]!), s0: ones },
    E: { h: condition1e3, c: new Float64Array(K).fill(1e-4), s0: ones },
  };

/**
 * The noisy quadratic model `H = diag(1/i)`, i = 1..1000, noise covariance H/B, s0 = 1.
 *
 * Its initial risk is 3.74; the usual target is .3. Zhang et al. (2019), arXiv 1907.04164.
 *
 * @example
 * ```ts
 * import { expectedRisk, noisyQuadraticModel } from "@precond/core/reference";
 * const [initial] = expectedRisk(noisyQuadraticModel(4), "sgd", { learningRate: 1, steps: 0 });
 * if (Math.abs(initial! - 3.7427) > 1e-4) throw new Error();
 * ```
 */
export function noisyQuadraticModel(batch: number): SeparableQuadratic {
  const h = Float64Array.from({ length: 1000 }, (_, i) => 1 / (i + 1));
  return { h, c: h.map((h) => h / batch), s0: h.map(() => 1) };
}

function risk(h: Float64Array, s: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < h.length; i++) sum += h[i]! * s[i]!;
  return sum / 2;
}

function advance(
  { h, c }: SeparableQuadratic,
  s: Float64Array,
  method: OracleMethod,
  learningRate: number,
): void {
  for (let i = 0; i < s.length; i++) {
    s[i] = nextSecondMoment(method, learningRate, { h: h[i]!, c: c[i]!, s: s[i]! });
  }
}

/**
 * The exact expected loss `½ Σ h E θ_t²` for t = 0..steps: steps + 1 numbers, no simulation.
 *
 * @example
 * ```ts
 * import { expectedRisk, separableProblems } from "@precond/core/reference";
 * const risks = expectedRisk(separableProblems.A, "combined", { learningRate: 1, steps: 112 });
 * if (!(risks[112]! <= 0.01 * risks[0]! && risks[111]! > 0.01 * risks[0]!)) throw new Error();
 * ```
 */
export function expectedRisk(
  problem: SeparableQuadratic,
  method: OracleMethod,
  options: { learningRate: number; steps: number },
): Float64Array {
  const s = problem.s0.slice();
  return Float64Array.from({ length: options.steps + 1 }, (_, t) => {
    if (t > 0) advance(problem, s, method, options.learningRate);
    return risk(problem.h, s);
  });
}

/** What counts as solved, and when to give up. */
export interface TargetOptions {
  /** Absolute risk to reach; 1 % of the initial risk unless told. */
  target?: number;
  /** Steps to try, 100,000 unless told. */
  maxSteps?: number;
}

/**
 * The first t with `½ Σ h E θ_t² ≤ target`; Infinity if it diverges or takes more than `maxSteps`.
 *
 * @example
 * ```ts
 * import { separableProblems, stepsToTarget } from "@precond/core/reference";
 * if (stepsToTarget(separableProblems.C, "combined", { learningRate: 1 }) !== 35) throw new Error();
 * ```
 */
export function stepsToTarget(
  problem: SeparableQuadratic,
  method: OracleMethod,
  options: TargetOptions & { learningRate: number },
): number {
  const { learningRate, maxSteps = 1e5 } = options;
  const s = problem.s0.slice();
  const initial = risk(problem.h, s);
  const { target = .01 * initial } = options;
  let now = initial;
  for (let t = 0; t <= maxSteps; t++) {
    if (now <= target) return t;
    advance(problem, s, method, learningRate);
    const next = risk(problem.h, s);
    // A risk that stands still has settled above the target.
    if (next === now || !(next < 1e6 * initial)) break;
    now = next;
  }
  return Infinity;
}

/**
 * The learning rates that are tried unless told: 41 in 1e-4..2, and 31 in 1e-5..√0.1 for the Adam oracle.
 *
 * The Adam oracle moves each coordinate by about a per step whatever its scale, so that from s0 = 1 a
 * rate near 1 would jump to the noise-free optimum in one step by luck.
 *
 * @example
 * ```ts
 * import { learningRateGrid } from "@precond/core/reference";
 * if (learningRateGrid("sgd").length !== 41) throw new Error();
 * ```
 */
export function learningRateGrid(method: OracleMethod): Float64Array {
  return method === "adam" ? logSpaced(1e-5, Math.sqrt(.1), 31) : logSpaced(1e-4, 2, 41);
}

/**
 * The constant learning rate that reaches the target in the fewest steps, and how many.
 *
 * `grid` is tried from large to small; among equals the largest wins. Steps are Infinity where none
 * reaches it.
 *
 * @example
 * ```ts
 * import { separableProblems, tunedLearningRate } from "@precond/core/reference";
 * if (tunedLearningRate(separableProblems.C, "sgd").steps !== 522) throw new Error();
 * ```
 */
export function tunedLearningRate(
  problem: SeparableQuadratic,
  method: OracleMethod,
  options: TargetOptions & { grid?: ArrayLike<number> } = {},
): { learningRate: number; steps: number } {
  const { grid = learningRateGrid(method), maxSteps = 1e5, ...rest } = options;
  const rates = Array.from(grid).sort((a, b) => b - a);
  let best = { learningRate: NaN, steps: Infinity };
  for (const learningRate of rates) {
    const budget = { ...rest, maxSteps: Math.min(maxSteps, best.steps) };
    const steps = stepsToTarget(problem, method, { learningRate, ...budget });
    if (steps < best.steps) best = { learningRate, steps };
  }
  return best;
}
