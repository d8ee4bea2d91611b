/** @module */
import type { Contender } from "./contenders.ts";

/** What runs the JavaScript. */
export type Runtime = "deno" | "chromium";

/** When a GPU is waited for: after every step, or once after the many steps of a sample. */
export type Waits = "step" | "sample";

/** What is measured. */
export interface OverheadCase {
  readonly backend: string;
  readonly parameters: number;
  readonly variables: number;
  /** At least 5. */
  readonly samples: number;
}

/** The time of one of our optimizers beside one of the host's. */
export interface TimedRow {
  readonly backend: string;
  readonly runtime: Runtime;
  /** The GPU's own name; null without one. */
  readonly gpu: string | null;
  readonly method: string;
  readonly baseline: string;
  readonly parameters: number;
  readonly variables: number;
  /** Milliseconds a step, median; on GPUs up to the moment that the device is done. */
  readonly ours_ms: number;
  readonly baseline_ms: number;
  /** ours / baseline: below 1 we are faster. */
  readonly ratio: number;
  /** A step that takes in a curvature sample (the sample itself not counted). */
  readonly refresh_ms: number | null;
  /** On GPUs; null where calls return when all is done. */
  readonly waits: Waits | null;
  /** Milliseconds of waiting for a device that has nothing to do: with `waits: "step"` part of both times. */
  readonly wait_ms: number | null;
  /** Samples that the medians are of. */
  readonly samples: number;
}

/** A row of a backend whose traffic can be compared with a copy's. */
export interface OverheadRow extends TimedRow {
  /** Gigabytes a second of unavoidable traffic, and as a share of what a copy of that size reaches. */
  readonly gigabytes_per_second: number;
  readonly copy_gigabytes_per_second: number;
  readonly bandwidth_share: number;
}

/**
 * Refuses medians of few samples.
 *
 * @throws {RangeError} Below 5.
 */
export function checkSamples(samples: number): void {
  if (!(samples >= 5)) {
    throw new RangeError(`Cannot measure: samples must be at least 5, current value is ${samples}`);
  }
}

/** The rows of one of our methods, from the medians of all. */
export function rowsOf(
  { name }: Contender,
  times: ReadonlyMap<string, number>,
  rest: OverheadCase & Pick<TimedRow, "runtime" | "gpu" | "waits" | "wait_ms">,
): TimedRow[] {
  const further: Readonly<Record<string, string>> = {
    "sgd momentum": "tf.train.momentum",
    // Ours: what the signal costs beside Adam's own update.
    "snrOnly": "adam",
  };
  const baselines = ["tf.train.adam", ...(further[name] ? [further[name]] : [])];
  const ours = times.get(name)!;
  return baselines.map((baseline) => ({
    backend: rest.backend,
    runtime: rest.runtime,
    gpu: rest.gpu,
    method: name,
    baseline,
    parameters: rest.parameters,
    variables: rest.variables,
    ours_ms: ours,
    baseline_ms: times.get(baseline)!,
    ratio: ours / times.get(baseline)!,
    refresh_ms: times.get(`${name} refresh`) ?? null,
    waits: rest.waits,
    wait_ms: rest.wait_ms,
    samples: rest.samples,
  }));
}
