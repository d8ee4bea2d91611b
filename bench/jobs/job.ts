/** @module */
import type { Surroundings } from "../device.ts";
import type { Outcome } from "../problems/problem.ts";
import { type Cell, cellsOf, type Suite } from "../suite.ts";
import { yourProblems } from "../yours.ts";

/** One run, by names and numbers alone, so that it can happen in another thread or machine. */
export interface Job extends Suite {
  readonly problem: string;
  readonly method: string;
  readonly backend: string;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  /** A run for choosing the learning rate. */
  readonly tuning: boolean;
  /** Of the cell, so that no other definition of the same name takes its place. */
  readonly settings: string;
}

/** What a job came to, and where. */
export interface Done {
  readonly outcome: Outcome;
  /** Of the whole run, its evaluations included. */
  readonly seconds: number;
  readonly surroundings: Surroundings;
}

/** The same for the same run, on every machine; letters, digits, `.`, `-` and `_`. */
export function idOf(job: Job): string {
  const { problem, method, backend, batchSize, learningRate, seed, settings } = job;
  const purpose = job.tuning ? "tuning" : "run";
  return [problem, method, backend, batchSize, learningRate, seed, purpose, settings].join("_");
}

/** For people. */
export function titleOf(
  { problem, method, seed, tuning }: Pick<Job, "problem" | "method" | "seed" | "tuning">,
): string {
  return `${problem} · ${method} · ${tuning ? "tuning" : `seed ${seed}`}`;
}

/** The cell that a job is a run of, and the job of a cell. */
export const cellKey = (
  { problem, method, backend, settings }: Pick<Job, "problem" | "method" | "backend" | "settings">,
): string => JSON.stringify([problem, method, backend, settings]);

/** The job that runs a cell. */
export function jobOf(cell: Cell, run: Pick<Job, "learningRate" | "seed" | "tuning">): Job {
  const { problem, method, backend, settings, suite } = cell;
  const { name, batchSize } = problem;
  return { ...suite, problem: name, method: method.name, backend, batchSize, settings, ...run };
}

/**
 * The cell of a job, made here.
 *
 * @throws {TypeError} If this code has no such cell, or one of other settings.
 */
export async function cellOf(job: Job): Promise<Cell> {
  const asked = {
    ...job,
    problems: [job.problem],
    methods: [job.method],
    backends: [job.backend],
    yours: await yourProblems(job.brought ?? {}, { full: job.full, backends: [job.backend] }),
    batchSizes: [job.batchSize],
    seeds: 1,
  };
  const cells = cellsOf(asked);
  const cell = cells.find(({ settings }) => settings === job.settings);
  if (cell) return cell;
  throw new TypeError(
    `Cannot run ${titleOf(job)}: its settings are ${job.settings}, this code's are ` +
      `${cells[0]?.settings ?? "none"}; run the same commit everywhere`,
  );
}
