/** @module */
import { checkValue } from "../checks.ts";
import { type Specified, specify } from "../chain/specification.ts";
import type { Transform } from "../chain/types.ts";
import * as kinds from "../kinds.ts";
import type { KroneckerBasis } from "./types.ts";

/** Transforms that work in a basis of their own; a stage of `chain()`. */
export interface InBasis extends Specified {
  readonly basis: KroneckerBasis;
  readonly transforms: readonly Transform[];
}

/** Whether a stage is one of {@linkcode inBasis}. */
export function isInBasis(stage: unknown): stage is InBasis {
  return typeof stage === "object" && stage !== null && "basis" in stage && "transforms" in stage;
}

/** A chain, which stands for its parts where it is one of several. */
export interface Composed {
  /** What it was made of, one after the other. */
  readonly parts: readonly (Transform | InBasis)[];
}

/** What is given, with the parts of each chain in its place. */
export function flat(given: readonly (Transform | InBasis | Composed)[]): Composed["parts"] {
  return given.flatMap((part) => {
    const { parts } = (part ?? {}) as Partial<Composed>;
    return parts ?? [part as Transform | InBasis];
  });
}

/**
 * Runs transforms in another basis: `u = B t(Bᵀ x)`, with `B = Q_R ⊗ Q_L` for a Kronecker basis.
 *
 * With a diagonal factor D inside, this is the split form `P = B D Bᵀ`, which is exact for
 * any symmetric positive definite curvature where a factor in the layer's own coordinates is exact
 * for diagonal curvature alone. Where a tensor keeps the identity (vectors, long sides) the
 * transforms run as if they stood in the chain themselves.
 *
 * When the basis turns, averages of what flows in (first moments) turn with it; second moments
 * stay, as each belongs to an eigenvector and not to a direction.
 *
 * A chain has at most one basis. What needs curvature samples or weights cannot stand in it; a
 * transform that holds steps (skipNonFinite) belongs before it. An average of `g gᵀ` that is not
 * finite is left out. A chain among the transforms stands for its own.
 *
 * @param basis From `kronecker()`.
 * @throws {TypeError} If a transform needs more than the gradient.
 *
 * @example
 * ```ts
 * import { chain, inBasis, kronecker, learningRate, scaleBy, signalFraction } from "@precond/core";
 *
 * chain(inBasis(kronecker({ every: 20 }), scaleBy(signalFraction({ decay: 0.99 }))), learningRate(0.1));
 * ```
 */
export function inBasis(
  basis: KroneckerBasis,
  ...given: readonly (Transform | Composed)[]
): InBasis {
  const action = "work in a basis";
  if ((basis as Partial<KroneckerBasis> | undefined)?.kind !== "kronecker") {
    throw new TypeError(
      `Cannot ${action}: the first argument must be a basis such as kronecker(), current value is ${
        typeof basis === "function" ? "a function; call it" : String(basis)
      }`,
    );
  }
  const transforms = flat(given) as readonly Transform[];
  for (const transform of transforms) {
    if (isInBasis(transform)) {
      throw new TypeError(
        `Cannot ${action}: a basis cannot stand in another one; give inBasis() the transforms of the chain that are in its basis`,
      );
    }
    checkValue(action, transform, kinds.transform, "transform");
    const other = transform.needs.find((kind) => kind !== "gradient");
    if (other !== undefined) {
      throw new TypeError(
        `Cannot ${action}: "${transform.name}" needs ${other}, which is measured in the layer's own coordinates; put it before or after inBasis()`,
      );
    }
  }
  return { ...specify("inBasis", basis, ...transforms), basis, transforms };
}
