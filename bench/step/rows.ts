/** @module */
import type { Runtime, Waits } from "../overhead/rows.ts";

/** What is measured: steps of one network on one backend. */
export interface StepCase {
  readonly backend: string;
  readonly runtime: Runtime;
  /** Layer widths, input and output included. */
  readonly sizes: readonly number[];
  readonly batchSize: number;
  /** At least 5. */
  readonly samples: number;
  /** On GPUs. */
  readonly waits: Waits;
}

/** The time of a whole training step with one of our optimizers, beside one of the host's. */
export interface StepRow extends Omit<StepCase, "waits"> {
  /** The GPU's own name; null without one. */
  readonly gpu: string | null;
  readonly method: string;
  readonly baseline: string;
  /** Milliseconds of loss, gradients and update, median; on GPUs up to the moment that it is done. */
  readonly step_ms: number;
  readonly baseline_ms: number;
  /** Milliseconds of loss and gradients alone: what no optimizer can save. */
  readonly gradients_ms: number;
  /** baseline_ms / step_ms: above 1 we are faster. */
  readonly ratio: number;
  /** On GPUs; null where calls return when all is done. */
  readonly waits: Waits | null;
  /** Milliseconds of waiting for a device that has nothing to do; null without one. */
  readonly wait_ms: number | null;
}

/** Methods of ours, and what each is compared with: the same rule with the same settings. */
export const pairs: Readonly<Record<string, string>> = {
  "adam": "tf.train.adam",
  "sgd momentum": "tf.train.momentum",
};

/** The name under which gradients without an update are timed. */
export const gradientsOnly = "gradients";

/** The rows of a case, from the medians of all contenders. */
export function stepRows(
  given: StepCase,
  gpu: string | null,
  times: ReadonlyMap<string, number>,
): StepRow[] {
  return Object.entries(pairs).map(([method, baseline]) => {
    const [step_ms, baseline_ms] = [times.get(method)!, times.get(baseline)!];
    return {
      backend: given.backend,
      runtime: given.runtime,
      gpu,
      method,
      baseline,
      sizes: given.sizes,
      batchSize: given.batchSize,
      step_ms,
      baseline_ms,
      gradients_ms: times.get(gradientsOnly)!,
      ratio: baseline_ms / step_ms,
      waits: gpu === null ? null : given.waits,
      wait_ms: times.get("wait") ?? null,
      samples: given.samples,
    };
  });
}
