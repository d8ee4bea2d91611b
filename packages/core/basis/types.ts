/** @module */
import type { Specified } from "../chain/specification.ts";

/**
 * The code of a basis, for chains and drivers: it comes with the basis, so that optimizers without one do without
 * it.
 */
export interface BasisWork {
  /** `buildDivided()` of the chain. */
  readonly buildDivided: unknown;
  /** `createDivider()` of the driver. */
  readonly createDivider: unknown;
  /** `sidesOf()` of this basis. */
  readonly sidesOf: unknown;
}

/** A basis for `inBasis()`. */
export interface KroneckerBasis extends Specified {
  readonly kind: "kronecker";
  readonly decay: number;
  readonly every: number;
  readonly gramEvery: number;
  readonly maxSide: number;
  readonly sides: "auto" | "both" | "left" | "right";
  /** What a driver steps with. */
  readonly work: BasisWork;
}
