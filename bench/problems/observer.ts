/** @module */
import { record, type Recorder } from "./curve.ts";
import type { Examples } from "./digits.ts";
import type { Learner } from "./learner.ts";
import type { Target } from "./problem.ts";
import type { SignalWatch } from "./signal.ts";

/** What losses are measured on. */
export interface Observed {
  /** Where the training loss is measured; a part of `train` or all of it. */
  readonly probe: Examples;
  readonly test: Examples;
  /** Chooses learning rates; never part of the other three. */
  readonly validation?: Examples;
}

/** Measures the losses of a run. */
export interface Observer {
  readonly recorder: Recorder;
  /** Measures and records the losses after `step` steps, which took that many seconds. */
  look(step: number, seconds: number): Promise<void>;
  /** Frees what it uploaded. */
  drop(): void;
}

/** Observes a learner; a tuning run sees no test data. */
export function observe(
  learner: Learner,
  data: Observed,
  { target, tuning, signals }: {
    readonly target: Target;
    readonly tuning: boolean;
    readonly signals?: SignalWatch | undefined;
  },
): Observer {
  const recorder = record(target);
  const probe = learner.upload(data.probe);
  const test = tuning ? undefined : learner.upload(data.test);
  const validation = data.validation && learner.upload(data.validation);
  return {
    recorder,
    async look(step, seconds) {
      const tested = test === undefined ? undefined : await learner.evaluate(test);
      const { loss: trainLoss } = await learner.evaluate(probe);
      const seen = await signals?.at(step);
      recorder.see({
        step,
        trainLoss,
        ...(tested && { testLoss: tested.loss }),
        ...(tested?.accuracy !== undefined && { testAccuracy: tested.accuracy }),
        ...(validation ? { validationLoss: (await learner.evaluate(validation)).loss } : {}),
        ...(seen && { signals: seen }),
        seconds,
      }, seconds);
    },
    drop() {
      signals?.end();
      for (const part of [probe, test, validation]) if (part) learner.drop(part);
    },
  };
}
