/** @module */
import type { SeparableQuadratic } from "@precond/core/reference";
import type { Method } from "../methods.ts";
import type { Moments } from "../statistics.ts";
import type { Signals } from "./signal.ts";

/** What a learning rate is chosen by on the tuning seed; never by test data. */
export type Selection = "stepsToTarget" | "finalTrainLoss" | "bestValidation" | "finalValidation";

/**
 * The problems that are summed up together: where theory predicts the outcome; networks as they are
 * usually trained; little, noisy or scattered data, as an app has it; what the user brought.
 */
export type ProblemSet = "theory" | "standard" | "practical" | "yours";

/** What a run reaches for. */
export interface Target {
  readonly metric: "trainLoss" | "validationLoss" | "testLoss";
  readonly value: number;
}

/** A moment of a run; a loss that is not a number becomes null in JSON. */
export interface Point {
  readonly step: number;
  readonly trainLoss: number;
  readonly testLoss?: number;
  readonly validationLoss?: number;
  readonly testAccuracy?: number;
  /** Over the replicas of a simulated ensemble: what a confidence interval is made of. */
  readonly replicas?: Moments;
  /** The risk that theory predicts for this step. */
  readonly predicted?: number;
  /** Of all steps up to here. */
  readonly seconds?: number;
  /** T of each layer in the last step, where it was watched. */
  readonly signals?: Signals;
}

/** What a run is asked to do. */
export interface Task {
  readonly method: Method;
  readonly learningRate: number;
  readonly seed: number;
  readonly backend: string;
  /** A run for choosing the learning rate; a simulation may then use fewer replicas. */
  readonly tuning: boolean;
  /** Ends the run after so many steps, of which its schedule knows nothing, and looks twice at least. */
  readonly steps?: number;
  /** Gives other events a chance now and then; throws to end the run. */
  readonly breathe: () => Promise<void>;
}

/** What a run measured. */
export interface Outcome {
  readonly curve: readonly Point[];
  readonly stepsToTarget: number | null;
  readonly examplesToTarget: number | null;
  readonly secondsToTarget: number | null;
  /** Ended early because a loss was not finite or far above the first one. */
  readonly diverged: boolean;
}

/** Something to minimise, with everything that is fixed about it. */
export interface Problem {
  readonly name: string;
  readonly title: string;
  /** One or two sentences for the report. */
  readonly about: string;
  readonly kind: "theory" | "network";
  readonly set: ProblemSet;
  /** Small and noisy, so that the end of training may be worse than its best moment. */
  readonly noisyData: boolean;
  readonly batchSize: number;
  readonly steps: number;
  readonly target: Target;
  readonly selections: readonly Selection[];
  /** Multiplies the centre of every method's grid alike. */
  readonly rateScale: number;
  /** Rough seconds a run takes, for the first guess of the time left. */
  readonly seconds: number;
  /** Left out of the quick suite unless asked for by name. */
  readonly fullOnly?: boolean;
  /** What theory needs to predict the risk. */
  readonly quadratic?: SeparableQuadratic;
  /** Everything else that rows depend on, for `--resume`. */
  readonly details: Readonly<Record<string, unknown>>;
  accepts(method: Method): boolean;
  /**
   * The same at another batch size, with as many examples in all; undefined if these are too few steps.
   * Left out where the batch is part of what the problem is.
   */
  atBatch?(batchSize: number): Problem | undefined;
  run(task: Task): Promise<Outcome>;
}

/** A problem at a batch size, its own or another; undefined if it cannot be run there. */
export function problemAt(problem: Problem, batchSize: number): Problem | undefined {
  return problem.batchSize === batchSize ? problem : problem.atBatch?.(batchSize);
}
