/**
 * What an engine does.
 *
 * @module
 */
import type { CombinedReplicas } from "@precond/core";
import type { ClippedCounter, ClippedCounts, Driver } from "@precond/core/backend";
import type { Tensor } from "../hosts/ort.ts";
import type { TakenFeeds } from "./feeds/take_feeds.ts";
import type { ComputeOptions, StepOptions } from "./options.ts";
import type { Parameter } from "./parameters.ts";
import type { Uniform } from "./random.ts";
import type { Runner } from "./run.ts";

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

/** A gradient that is not taken in. */
export interface Computed<A> extends Gathered {
  /** Examples in the batch. */
  readonly batchSize: number;
  /** In the order of the parameters, until the next run. */
  readonly gradients: readonly A[];
  /** Mean of the squared gradients of single examples, if the graph gives it. */
  readonly squares: readonly A[] | undefined;
  /** A curvature sample, if one was asked for. */
  readonly curvature: readonly A[] | undefined;
}

/** Options of gathering. */
export interface GatherOptions extends StepOptions {
  /** Whether the run brings a curvature sample, if the next update is to have one. */
  readonly sample: boolean;
  /** Whether it does though the next update is to have none. */
  readonly early?: boolean;
  /** What was gathered before is forgotten. */
  readonly afresh?: boolean;
}

/** What is known of an update. */
export interface Updated<A> {
  /** Examples in its batch. */
  readonly batchSize: number;
  /** What it clipped, if that was counted, in the order of the parameters. */
  readonly clipped: readonly ClippedCounts<A>[];
}

/** Who watches an update. */
export interface StepHooks<A> {
  /** What is to count what is clipped, if it is. */
  before(): ClippedCounter | undefined;
  after(updated: Updated<A>): Promise<void>;
  /** The update did not come about. */
  abandon(): void;
}

/** How much of an update is gathered. */
export interface GatheredCounts {
  readonly runs: number;
  readonly examples: number;
}

/** Runs graphs, gathers gradients, updates parameters; one call at a time. */
export interface Engine<A> {
  readonly driver: Driver<A>;
  readonly random: Uniform;
  /** Since the last update. */
  readonly gathered: GatheredCounts;
  /** Where it is. */
  gatheredArrays(): readonly GatheredArray<A>[];
  /** Whether a run that failed has overwritten the gradient of the last update. */
  readonly spoiled: boolean;
  /** Opens the graph of the first step: what ONNX Runtime refuses, it refuses before any training. */
  open(): Promise<void>;
  /** Runs forward and backward and takes the gradient in. Nothing has changed if it throws. */
  gather(feeds: TakenFeeds, options: GatherOptions): Promise<Gathered>;
  /** The last run of an update, and the update. Nothing has changed if it throws. */
  step(feeds: TakenFeeds, options: GatherOptions, hooks?: StepHooks<A>): Promise<Gathered>;
  /** Runs forward and backward; of it nothing is kept. */
  compute(feeds: TakenFeeds, options: StepOptions & ComputeOptions): Promise<Computed<A>>;
  /** Whether the next update needs a curvature sample. */
  readonly curvatureDue: boolean;
  /** An update by gradients from elsewhere, of all parameters. Nothing has changed if it throws. */
  stepWith(combined: CombinedReplicas, hooks: StepHooks<A>): Promise<void>;
  /** Updates the parameters with what was gathered, which stays. */
  update(): void;
  /** The gradient that an update uses, or the last one used. */
  gradientOf(parameter: Parameter<A>): A;
  /** Takes the arrays' contents for what was gathered; without counts it forgets it. */
  reset(gathered?: GatheredCounts): void;
  /** Runs a graph without a gradient. */
  readonly forward: Runner<A>["forward"];
  dispose(): void;
}
