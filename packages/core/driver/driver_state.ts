/** @module */
import type { SetRate } from "../chain/rate.ts";
import type { Sides } from "../basis/sides.ts";
import type { Scalars } from "../chain/types.ts";

/** What an optimizer keeps for one parameter. */
export interface ParameterState<A> {
  readonly shape: readonly number[];
  /** The chain that it belongs to. */
  readonly signature: string;
  /** Applied updates. */
  readonly step: number;
  /** Samples of each kind seen. */
  readonly samples: Readonly<Record<"gradientSquares" | "curvature", number>>;
  /** Of each stage, from the last applied step. */
  readonly scalars?: readonly Scalars[] | undefined;
  /** What its chain's basis rotates; absent if nothing. */
  readonly sides?: Sides | undefined;
  /** By `stage.slot`, and what a basis keeps. */
  readonly slots: Readonly<Record<string, A>>;
}

/** What an optimizer keeps. */
export interface DriverState<A> {
  /** Applied updates. */
  readonly iteration: number;
  readonly parameters: ReadonlyMap<string, ParameterState<A>>;
  /** A learning rate that was set by hand. */
  readonly learningRate?: SetRate | undefined;
  /** Fingerprints of the merged states that it comes from, the last one last. */
  readonly past?: readonly string[] | undefined;
}
