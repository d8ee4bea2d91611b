/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { median } from "../statistics.ts";
import { copyBandwidth } from "./bandwidth.ts";
import { type Contender, gradientTensors, hostContenders, ourContenders } from "./contenders.ts";

/** The time of one of our optimizers beside one of the host's. */
export interface OverheadRow {
  readonly backend: string;
  readonly method: string;
  readonly baseline: string;
  readonly parameters: number;
  readonly variables: number;
  /** Milliseconds a step, median. */
  readonly ours_ms: number;
  readonly baseline_ms: number;
  /** ours / baseline: below 1 we are faster. */
  readonly ratio: number;
  /** A step that takes in a curvature sample (the sample itself not counted). */
  readonly refresh_ms: number | null;
  /** Gigabytes a second of unavoidable traffic, and as a share of what a copy of that size reaches. */
  readonly gigabytes_per_second: number;
  readonly copy_gigabytes_per_second: number;
  readonly bandwidth_share: number;
  /** Samples that the medians are of, and steps in each. */
  readonly samples: number;
}

/** What is measured. */
export interface OverheadCase {
  readonly backend: string;
  readonly parameters: number;
  readonly variables: number;
  /** At least 5. */
  readonly samples: number;
}

/** Steps that make a sample long enough to trust the clock. */
function stepsFor(step: () => void, milliseconds = 15): number {
  const start = performance.now();
  step();
  const once = performance.now() - start;
  return Math.max(1, Math.min(1000, Math.round(milliseconds / Math.max(once, 1e-3))));
}

const timed = (step: () => void, count: number): number => {
  const start = performance.now();
  for (let i = 0; i < count; i++) step();
  return (performance.now() - start) / count;
};

/** Times every contender in turn, again and again, so that all see the same machine. */
function interleaved(contenders: readonly Contender[], samples: number): Map<string, number> {
  const calls = contenders.flatMap(({ name, step, refresh }) => [
    { name, step },
    ...(refresh ? [{ name: `${name} refresh`, step: refresh }] : []),
  ]);
  for (const { step } of calls) timed(step, 2);
  const counts = calls.map(({ step }) => stepsFor(step));
  const times = calls.map((): number[] => []);
  for (let s = 0; s < samples; s++) {
    calls.forEach(({ step }, i) => times[i]!.push(timed(step, counts[i]!)));
  }
  return new Map(calls.map(({ name }, i) => [name, median(times[i]!)]));
}

/** All rows of one case. */
export async function measure(
  { backend, parameters, variables, samples }: OverheadCase,
): Promise<OverheadRow[]> {
  if (!(samples >= 5)) {
    throw new RangeError(`Cannot measure: samples must be at least 5, current value is ${samples}`);
  }
  await tf.setBackend(backend);
  await tf.ready();
  const gradients = gradientTensors(parameters, variables);
  const mine = ourContenders(gradients);
  const theirs = hostContenders(gradients);
  try {
    const times = interleaved([...mine, ...theirs], samples);
    return mine.flatMap(({ name, bytes }) => {
      const ours = times.get(name)!;
      const refresh = times.get(`${name} refresh`) ?? null;
      const copied = copyBandwidth(backend === "wasm" ? "wasm" : "javascript", bytes! * parameters);
      const moved = bytes! * parameters / (ours / 1e3);
      const baselines = name === "sgd momentum"
        ? ["tf.train.adam", "tf.train.momentum"]
        : ["tf.train.adam"];
      return baselines.map((baseline): OverheadRow => ({
        backend,
        method: name,
        baseline,
        parameters,
        variables,
        ours_ms: ours,
        baseline_ms: times.get(baseline)!,
        ratio: ours / times.get(baseline)!,
        refresh_ms: refresh,
        gigabytes_per_second: moved / 1e9,
        copy_gigabytes_per_second: copied / 1e9,
        bandwidth_share: moved / copied,
        samples,
      }));
    });
  } finally {
    for (const contender of [...mine, ...theirs]) contender.dispose();
    tf.dispose(gradients);
  }
}
