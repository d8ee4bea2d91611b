/** @module */
import { stepsToTarget } from "@precond/core/reference";
import type { Surroundings } from "./device.ts";
import { type Done, idOf, type Job, jobOf } from "./jobs/job.ts";
import { librariesOf } from "./problems/learner.ts";
import type { Outcome, Selection } from "./problems/problem.ts";
import {
  columns,
  measured,
  predictionOf,
  type Results,
  type Row,
  type Sensitivity,
} from "./rows.ts";
import { type Cell, tuningSeed } from "./suite.ts";
import { choose, grid, score, tolerance } from "./tuning.ts";

/** Rates to choose from. What is shipped runs as it is: there is nothing to tune. */
function ratesOf({ method, centre, grid: options }: Cell): number[] {
  return method.shipped ? [centre] : grid(centre, options);
}

/** Runs of a cell if nothing can be skipped. */
export function runsOf(cell: Cell, seeds: number): number {
  return ratesOf(cell).length + cell.problem.selections.length * seeds;
}

type Key = Pick<Row, "problem" | "method" | "backend" | "selection" | "settings">;

const same = (a: Key, b: Key) =>
  a.settings === b.settings && a.problem === b.problem && a.method === b.method &&
  a.backend === b.backend && a.selection === b.selection;

/** What there is to run of a cell: its tuning jobs and then, with the rates chosen, the seeds 1, 2, … */
export interface Plan {
  /** The next job that may start, if `wanted`; none while the rates are being chosen. */
  next(wanted: (job: Job) => boolean): Job | undefined;
  /** Takes what a job came to; true if that added a row or a sensitivity. */
  take(job: Job, done: Done): boolean;
  /** There is nothing left to start or to wait for. */
  readonly over: boolean;
}

/**
 * Plans the runs of a cell. Rows that `results` has already are not run again, and what jobs come to
 * is added to it; `finished` accounts for every run of {@linkcode runsOf}.
 */
export function planOf(
  cell: Cell,
  results: Results,
  { seeds, finished }: {
    readonly seeds: number;
    readonly finished: (cell: Cell, runs: number, seconds: number) => void;
  },
): Plan {
  const { problem, method, backend, settings } = cell;
  const key = (selection: Selection): Key => ({
    problem: problem.name,
    method: method.name,
    backend,
    selection,
    settings,
  });
  const rates = ratesOf(cell);
  const scored = new Map<number, Outcome>();
  const tuned = problem.selections.map((selection) =>
    results.sensitivity.find((s) => same(s, key(selection)))
  );
  /** What each reporting job is for. */
  const rowsOf = new Map<string, Selection[]>();
  let [waiting, running]: [Job[], number] = [[], 0];

  const choose = () => {
    problem.selections.forEach((selection, i) => {
      if (tuned[i]) return;
      const options = { steps: problem.steps, target: problem.target.value };
      const scores = rates.map((rate) => score(scored.get(rate)!, selection, options));
      const { batchSize } = problem;
      tuned[i] = { ...key(selection), batchSize, ...sensitivityOf(rates, scores) };
      results.sensitivity.push(tuned[i]);
    });
  };
  const report = () => {
    for (const { selection, learningRate } of tuned.filter((t) => t !== undefined)) {
      for (let seed = 1; seed <= seeds; seed++) {
        const known = results.rows.some((row) => row.seed === seed && same(row, key(selection)));
        if (known || learningRate === null) {
          finished(cell, 1, 0);
          continue;
        }
        const job = jobOf(cell, { learningRate, seed, tuning: false });
        const selections = rowsOf.get(idOf(job));
        if (selections) selections.push(selection);
        else {
          rowsOf.set(idOf(job), [selection]);
          waiting.push(job);
        }
      }
    }
  };
  if (tuned.includes(undefined)) {
    waiting = rates.map((learningRate) =>
      jobOf(cell, { learningRate, seed: tuningSeed, tuning: true })
    );
  } else {
    finished(cell, rates.length, 0);
    report();
  }
  return {
    get over() {
      return waiting.length === 0 && running === 0;
    },
    next(wanted) {
      const job = waiting[0];
      if (!job || !wanted(job)) return undefined;
      waiting.shift();
      running++;
      return job;
    },
    take(job, { outcome, seconds, surroundings }) {
      running--;
      if (job.tuning) {
        finished(cell, 1, seconds);
        scored.set(job.learningRate, outcome);
        if (scored.size < rates.length) return false;
        choose();
        report();
        return true;
      }
      const selections = rowsOf.get(idOf(job))!;
      finished(cell, 1, seconds);
      if (selections.length > 1) finished(cell, selections.length - 1, 0);
      for (const selection of selections) {
        results.rows.push({ ...rowOf(cell, job, outcome), ...key(selection), ...surroundings });
      }
      return true;
    },
  };
}

/** A row, but for what it was chosen by and where it ran. */
function rowOf(
  cell: Cell,
  { learningRate, seed }: Job,
  outcome: Outcome,
): Omit<Row, keyof Key | keyof Surroundings> {
  const { problem, method, backend } = cell;
  return {
    mode: method.mode,
    implementation: problem.kind === "theory"
      ? "@precond/core"
      : librariesOf(backend)[method.host ? "host" : "ours"],
    batchSize: problem.batchSize,
    seed,
    learningRate,
    ...measured(outcome),
    prediction: predictionOf(outcome, expectedSteps(cell, learningRate)),
    curve: columns(outcome),
  };
}

function expectedSteps({ problem, method }: Cell, learningRate: number): number | null {
  if (!problem.quadratic || !method.predictedAs) return null;
  const steps = stepsToTarget(problem.quadratic, method.predictedAs, {
    learningRate,
    target: problem.target.value,
    maxSteps: problem.steps,
  });
  return Number.isFinite(steps) ? steps : null;
}

/** The choice and the tolerances of a grid's scores. */
export function sensitivityOf(
  rates: readonly number[],
  scores: readonly number[],
): Omit<Sensitivity, keyof Key | "batchSize"> {
  const choice = choose(scores);
  const [ten, twice] = [tolerance(rates, scores, 1.1), tolerance(rates, scores, 2)];
  return {
    seed: tuningSeed,
    rates,
    scores: scores.map((value) => Number.isFinite(value) ? value : null),
    learningRate: choice ? rates[choice.index]! : null,
    edge: choice?.edge ?? null,
    within10: ten?.range ?? null,
    within2x: twice?.range ?? null,
    open10: ten?.open ?? false,
    open2x: twice?.open ?? false,
  };
}
