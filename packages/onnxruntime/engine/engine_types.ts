/** @module */
import type { ClippedCounts, Driver } from "@precond/core/backend";
import type { LoadedGraph } from "../graphs/graphs.ts";
import type { Feeds, Tensor } from "../ort.ts";
import type { Uniform } from "./random.ts";
import type { Parameter } from "../trainer/set_up.ts";
import type { SavedGathered } from "../saving/saved_trainer.ts";
import type { StepOptions } from "../trainer/options.ts";

/** What is gathered over several runs: the mean of their gradients, or (as ONNX Runtime) the sum. */
export type Gathering = "mean" | "sum";

/** What one run gave. */
export interface Gathered {
  /** NaN if it was not read back. */
  readonly loss: number;
  /** The outputs that were asked for. */
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** An array with what is gathered for a parameter. */
export interface GatheredArray<A> {
  readonly parameter: string;
  /** Mean gradient, or the mean of the squared gradients. */
  readonly kind: "gathered" | "squares";
  readonly dims: readonly number[];
  readonly array: A;
}

/** Options of gathering. */
export interface GatherOptions extends StepOptions {
  readonly sample: boolean;
  /** What was gathered before is forgotten. */
  readonly afresh?: boolean;
}

/** Options of an update. */
export interface UpdateOptions {
  readonly keep?: boolean;
  readonly countClipped?: boolean;
}

/** What is known of an update. */
export interface Updated<A> {
  /** Examples in its batch. */
  readonly batchSize: number;
  readonly clipped: readonly ClippedCounts<A>[];
}

/** Runs graphs, gathers gradients, updates parameters; one call at a time. */
export interface Engine<A> {
  readonly driver: Driver<A>;
  readonly random: Uniform;
  /** Since the last update. */
  readonly gathered: SavedGathered;
  /** Where it is. */
  gatheredArrays(): readonly GatheredArray<A>[];
  /**
   * Runs forward and backward and takes the gradient in; with `sample` a curvature sample too, if the
   * next update is to have one. Nothing has changed if it throws.
   */
  gather(feeds: Feeds, options: GatherOptions): Promise<Gathered>;
  /**
   * Updates the parameters with what was gathered, which is then forgotten unless `keep` is true.
   * With `countClipped` the counts are the caller's to dispose.
   */
  update(learningRate: number | undefined, options?: UpdateOptions): Updated<A>;
  /** The gradient that an update uses, or the last one used. */
  gradientOf(parameter: Parameter<A>): A;
  /** Takes the arrays' contents for what was gathered; without counts it forgets it. */
  reset(gathered?: SavedGathered): void;
  /** Runs a graph without a gradient. */
  forward(action: string, loaded: LoadedGraph, feeds: Feeds): Promise<Record<string, Tensor>>;
  dispose(): void;
}
