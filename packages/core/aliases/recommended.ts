/**
 * Optimizers that train ordinary models as they are: signal-to-noise, curvature, and both.
 *
 * @module
 */
import { inBasis } from "../basis/in_basis.ts";
import { kronecker, type KroneckerOptions } from "../basis/kronecker.ts";
import { type Chain, chain } from "../chain/chain.ts";
import { scaleBy } from "../chain/scale_by.ts";
import { checkOptions, type Kinds } from "../checks.ts";
import { inverseRms } from "../estimators/inverse_rms.ts";
import { normalizedSignal } from "../estimators/normalized_signal.ts";
import * as kinds from "../kinds.ts";
import { diagonalNewtonKinds, signalNewtonKinds, signalSgdKinds } from "./full_strength_kinds.ts";
import { average, ending, recommendedKinds, type RecommendedOptions } from "./options.ts";

/** Options of {@linkcode snrOnly}. */
export interface SnrOnlyOptions extends RecommendedOptions {
  /** Decay of the average over √T·g/√v; default 0.5, 0 for none. */
  readonly momentum?: number;
  /** Power of the signal fraction: a multiple of 1/8 in (0, 4]; default 0.5. */
  readonly exponent?: number;
  /** Decay of the second moment v; default 0.999. */
  readonly beta2?: number;
  /** ε² is added to v, so that √v counts as ε at least; default 1e-8. */
  readonly epsilon?: number;
}

const snrKinds = {
  ...recommendedKinds,
  momentum: kinds.decay,
  exponent: kinds.exponent,
  beta2: kinds.decay,
  epsilon: kinds.normal,
} as const;

/** The form of an alias that takes T, or a sampled curvature, at full strength. */
const fullStrength = {
  snrOnly: ["signalSgd()", signalSgdKinds],
  curvatureOnly: ["diagonalNewton()", diagonalNewtonKinds],
  combined: ["signalNewton()", signalNewtonKinds],
} as const;

/** Refuses options, and says so if they are those of the form at full strength. */
function checked<T extends object>(
  name: keyof typeof fullStrength,
  options: T,
  kinds: Kinds<T>,
): T {
  const [form, others] = fullStrength[name];
  const other = Object.entries(Object(options)).find(([key, value]) =>
    value !== undefined && !Object.hasOwn(kinds, key) && Object.hasOwn(others, key)
  )?.[0];
  if (other === undefined) return checkOptions(`make ${name}`, options, kinds);
  throw new TypeError(
    `Cannot make ${name}: "${other}" is an option of ${form}; ` +
      `those of ${name} are ${Object.keys(kinds).join(", ")}`,
  );
}

const signalOf = ({ exponent = 0.5, beta2 = 0.999, epsilon = 1e-8 }: SnrOnlyOptions) =>
  scaleBy(normalizedSignal({ exponent, decay: beta2, epsilon }));

/**
 * Signal-to-noise alone: `w −= η · EMA(√T · g/√v)`, T the signal fraction of each element. A drop-in
 * for Adam that needs nothing but gradients.
 *
 * The third display of Hilton's note, `T = g²/(g² + σ²)` times the gradient, with two changes that
 * measurement asked for: the gradient is normalised by its RMS v, and the power of T is ½. So a step
 * is in expectation `sign(g) · T`: full where all gradients agree, small where they are noise. Its
 * scale is absolute: it shrinks as the signal is used up, which takes the place of a schedule.
 *
 * Default η 0.05, reached in 10 steps. The step does not change when the loss is scaled. As an element
 * moves by at most η a step, standardise inputs, and targets of a regression. For a pre-trained
 * transformer the default is too large: try 0.004.
 *
 * Keeps 3 arrays a parameter (12 bytes; Adam 2 and 8).
 *
 * Source: Hilton, "Preconditioning for stochastic gradient descent" (2019).
 *
 * @throws {TypeError | RangeError} For unknown options, or options out of range.
 *
 * @example
 * ```ts
 * import { createOptimizer, snrOnly } from "@precond/core";
 *
 * const optimizer = createOptimizer(snrOnly());
 * const weights = new Float32Array(2);
 * optimizer.step({ w: { weights, gradient: Float32Array.of(1, -2) } });
 * ```
 */
export function snrOnly(options: SnrOnlyOptions = {}): Chain {
  const given = checked("snrOnly", options, snrKinds);
  return chain(signalOf(given), ...average(given.momentum ?? 0.5), ...ending(given, 0.05));
}

/** Options of {@linkcode curvatureOnly}. */
export interface CurvatureOnlyOptions extends RecommendedOptions {
  /** Decay of the average over the preconditioned gradient; default 0.9, 0 for none. */
  readonly momentum?: number;
  /** Decay of the second moment v; default 0.999. */
  readonly beta2?: number;
  /** Added to √v; default 1e-8. */
  readonly epsilon?: number;
  /** The eigenbasis: options of `kronecker()`; default those of its own. */
  readonly basis?: KroneckerOptions;
}

/**
 * Curvature alone: `w −= η · EMA(B · Bᵀg/√v)`, B the Kronecker eigenbasis of each layer.
 *
 * In the eigenbasis of the gradients' second moments the curvature of a layer is nearly diagonal,
 * and √v is its square root (the Fisher's, up to scale): the scheme of SOAP, normalised before the
 * average. It sees no difference between signal and noise. Where a layer keeps the identity (see
 * `kronecker()`) it is Adam, normalised before the average.
 *
 * Default η 0.004, reached in 10 steps. The step does not change when the loss is scaled.
 *
 * Keeps 2 arrays a parameter (8 bytes) and 2n² numbers for each side of length n that is rotated.
 *
 * Source: Vyas et al., "SOAP" (2024), arXiv 2409.11321; Hilton (2019) for the purpose.
 *
 * @throws {TypeError | RangeError} For unknown options, or options out of range.
 *
 * @example
 * ```ts
 * import { createOptimizer, curvatureOnly } from "@precond/core";
 *
 * createOptimizer(curvatureOnly({ basis: { every: 20 } }));
 * ```
 */
export function curvatureOnly(options: CurvatureOnlyOptions = {}): Chain {
  const given = checked("curvatureOnly", options, {
    ...recommendedKinds,
    momentum: kinds.decay,
    beta2: kinds.decay,
    epsilon: kinds.normal,
    basis: kinds.anything,
  });
  const { momentum = 0.9, beta2 = 0.999, epsilon = 1e-8, basis } = given;
  return chain(
    inBasis(kronecker(basis), scaleBy(inverseRms({ decay: beta2, epsilon }))),
    ...average(momentum),
    ...ending(given, 0.004),
  );
}

/** Options of {@linkcode combined}: those of {@linkcode snrOnly}, and the basis. */
export interface CombinedOptions extends SnrOnlyOptions {
  /** The eigenbasis: options of `kronecker()`; default those of its own. */
  readonly basis?: KroneckerOptions;
}

/**
 * Both: `w −= η · EMA(B · √T ∘ Bᵀg/√v)`, signal-to-noise in the eigenbasis of the curvature.
 *
 * The split form `P = B D Bᵀ` of the note's last displays: exact for any curvature where T in the
 * layer's own coordinates is exact for diagonal curvature alone. B is the Kronecker eigenbasis of each
 * layer, D what {@linkcode snrOnly} does in it, power ½ and absolute scale as there. Where a layer
 * keeps the identity (see `kronecker()`: long sides, and sides that cost much beside the gradient) it
 * is `snrOnly()`.
 *
 * Default η 0.04, reached in 10 steps. The step does not change when the loss is scaled. For a
 * pre-trained transformer the default is too large: try 0.004.
 *
 * Keeps 3 arrays a parameter (12 bytes) and 2n² numbers for each side of length n that is rotated.
 *
 * Source: Hilton (2019); Vyas et al. (2024), arXiv 2409.11321, for the basis.
 *
 * @throws {TypeError | RangeError} For unknown options, or options out of range.
 *
 * @example
 * ```ts
 * import { combined, createOptimizer } from "@precond/core";
 *
 * createOptimizer(combined({ basis: { sides: "both" } })); // whatever it costs
 * ```
 */
export function combined(options: CombinedOptions = {}): Chain {
  const given = checked("combined", options, {
    ...snrKinds,
    basis: kinds.anything,
  });
  return chain(
    inBasis(kronecker(given.basis), signalOf(given)),
    ...average(given.momentum ?? 0.5),
    ...ending(given, 0.04),
  );
}
