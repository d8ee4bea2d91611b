/** @module */
import { type Method, methods } from "./methods.ts";
import { type Problem, problemAt, type Selection } from "./problems/problem.ts";
import type { Results, Row, Sensitivity } from "./rows.ts";
import { type Interval, meanInterval, medianInterval, type Moments, pool } from "./statistics.ts";

/**
 * The numbers of a row that are compared; smaller is better for all of them. `lostSinceBest` is the
 * test loss at the end minus that at its best moment: the price of not stopping then.
 */
export type Metric =
  | "stepsToTarget"
  | "examplesToTarget"
  | "secondsToTarget"
  | "finalTrainLoss"
  | "finalTestLoss"
  | "bestTestLoss"
  | "lostSinceBest";

/** All seeds of one method on one problem and backend, tuned for one selection. */
export interface Summary {
  readonly method: Method;
  readonly rows: readonly Row[];
  readonly sensitivity: Sensitivity | undefined;
  /** Median over seeds; a seed without the number counts as Infinity, undefined if none has it. */
  readonly metrics: Readonly<Record<Metric, Interval | undefined>>;
  readonly prediction: PooledPrediction | undefined;
}

/** The prediction and the interval of all seeds' replicas together. */
export interface PooledPrediction {
  readonly stepsToTarget: number | null;
  readonly step: number;
  readonly risk: number;
  readonly interval: Interval;
  readonly inside: boolean;
}

/** Everything measured on one problem, batch size and backend, tuned for one selection. */
export interface Group {
  /** At the batch size of the group. */
  readonly problem: Problem;
  readonly backend: string;
  readonly selection: Selection;
  readonly summaries: readonly Summary[];
}

const metrics: readonly Metric[] = [
  "stepsToTarget",
  "examplesToTarget",
  "secondsToTarget",
  "finalTrainLoss",
  "finalTestLoss",
  "bestTestLoss",
  "lostSinceBest",
];

function valueOf(row: Row, metric: Metric): number | null {
  if (metric !== "lostSinceBest") return row[metric];
  const { finalTestLoss: final, bestTestLoss: best } = row;
  return final === null || best === null ? null : final - best;
}

function intervalOf(rows: readonly Row[], metric: Metric): Interval | undefined {
  const values = rows.map((row) => valueOf(row, metric) ?? Infinity);
  return values.every((value) => value === Infinity) ? undefined : medianInterval(values);
}

/** The ensemble's moments at a recorded step, all rows together; undefined without replicas. */
export function pooledAt(rows: readonly Row[], step: number): Moments | undefined {
  const parts = rows.flatMap(({ curve }) => {
    const i = curve.step.indexOf(step);
    const [mean, variance] = [curve.trainLoss[i], curve.variance?.[i]];
    return curve.replicas === undefined || mean == null || variance == null
      ? []
      : [{ count: curve.replicas, mean, variance }];
  });
  return parts.length > 0 && parts.length === rows.length ? pool(parts) : undefined;
}

function pooledPrediction(rows: readonly Row[]): PooledPrediction | undefined {
  const prediction = rows[0]?.prediction;
  const pooled = prediction && pooledAt(rows, prediction.step);
  if (!pooled) return undefined;
  const { stepsToTarget, step, risk } = prediction;
  const interval = meanInterval(pooled);
  const inside = (interval.low <= risk && risk <= interval.high) ||
    Math.abs(interval.middle - risk) < 1e-12;
  return { stepsToTarget, step, risk, interval, inside };
}

/** The problems at every batch size that there are rows of, smallest first. */
function atTheirBatches(problems: readonly Problem[], rows: readonly Row[]): Problem[] {
  return problems.flatMap((problem) => {
    const own = rows.filter((row) => row.problem === problem.name);
    const sizes = [...new Set(own.map((row) => row.batchSize))].sort((a, b) => a - b);
    return sizes.flatMap((batchSize) => problemAt(problem, batchSize) ?? []);
  });
}

/** Sorts results by problem, batch size, backend and selection, and summarises the seeds of each method. */
export function groupsOf(
  { rows, sensitivity }: Pick<Results, "rows" | "sensitivity">,
  problems: readonly Problem[],
): Group[] {
  return atTheirBatches(problems, rows).flatMap((problem) => {
    const own = rows.filter((row) =>
      row.problem === problem.name && row.batchSize === problem.batchSize
    );
    const backends = [...new Set(own.map((row) => row.backend))];
    return backends.flatMap((backend) =>
      problem.selections.flatMap((selection): Group[] => {
        const here = (r: Row | Sensitivity) =>
          r.problem === problem.name && r.backend === backend && r.selection === selection;
        const summaries = methods.flatMap((method): Summary[] => {
          const seeds = own.filter((row) => here(row) && row.method === method.name);
          if (seeds.length === 0) return [];
          return [{
            method,
            rows: seeds,
            sensitivity: sensitivity.find((s) =>
              here(s) && s.method === method.name && s.settings === seeds[0]!.settings
            ),
            metrics: Object.fromEntries(
              metrics.map((metric) => [metric, intervalOf(seeds, metric)]),
            ) as Summary["metrics"],
            prediction: pooledPrediction(seeds),
          }];
        });
        return summaries.length > 0 ? [{ problem, backend, selection, summaries }] : [];
      })
    );
  });
}
