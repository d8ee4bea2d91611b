/** @module */
import { stepsToTarget } from "@precond/core/reference";
import type { Device, Source, Versions } from "./device.ts";
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

/** Where and with what a benchmark runs. */
export interface Surroundings extends Source {
  readonly device: Device;
  readonly versions: Versions;
}

/** What the protocol tells its caller as it goes. */
export interface Listener {
  /** Before each run. */
  starting(cell: Cell, what: string): void;
  /** After each run, or instead of `runs` that a results file or an earlier choice made needless. */
  finished(cell: Cell, runs: number, seconds: number): void;
  /** After a row or a sensitivity was added. */
  changed(): Promise<void>;
  /** Lets other events happen; throws to end the benchmark. */
  breathe(): Promise<void>;
}

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

/**
 * Tunes the learning rate of a cell on the tuning seed, then runs the seeds 1, 2, …; rows that
 * `results` has already are not run again.
 */
export async function runCell(
  cell: Cell,
  results: Results,
  { seeds, surroundings, listener }: {
    seeds: number;
    surroundings: Surroundings;
    listener: Listener;
  },
): Promise<void> {
  const { problem, method, backend, settings } = cell;
  const key = (selection: Selection): Key => ({
    problem: problem.name,
    method: method.name,
    backend,
    selection,
    settings,
  });
  const run = async (learningRate: number, seed: number, tuning: boolean): Promise<Outcome> => {
    const what = `${problem.name} · ${method.name} · ${tuning ? "tuning" : `seed ${seed}`}`;
    listener.starting(cell, what);
    const start = performance.now();
    const { breathe } = listener;
    const task = { method, learningRate, seed, backend, tuning, breathe };
    const outcome = await problem.run(task);
    await breathe();
    listener.finished(cell, 1, (performance.now() - start) / 1e3);
    return outcome;
  };

  const tuned = problem.selections.map((selection) =>
    results.sensitivity.find((s) => same(s, key(selection)))
  );
  if (tuned.includes(undefined)) {
    const rates = ratesOf(cell);
    const outcomes: Outcome[] = [];
    for (const rate of rates) outcomes.push(await run(rate, tuningSeed, true));
    problem.selections.forEach((selection, i) => {
      if (tuned[i]) return;
      const options = { steps: problem.steps, target: problem.target.value };
      const scores = outcomes.map((outcome) => score(outcome, selection, options));
      tuned[i] = { ...key(selection), ...sensitivityOf(rates, scores) };
      results.sensitivity.push(tuned[i]);
    });
    await listener.changed();
  } else {
    listener.finished(cell, ratesOf(cell).length, 0);
  }

  const outcomes = new Map<string, Outcome>();
  for (const { selection, learningRate } of tuned.filter((t) => t !== undefined)) {
    for (let seed = 1; seed <= seeds; seed++) {
      const known = results.rows.some((row) => row.seed === seed && same(row, key(selection)));
      if (known || learningRate === null) {
        listener.finished(cell, 1, 0);
        continue;
      }
      const id = `${learningRate}/${seed}`;
      const before = outcomes.get(id);
      const outcome = before ?? await run(learningRate, seed, false);
      if (before) listener.finished(cell, 1, 0);
      outcomes.set(id, outcome);
      results.rows.push({
        ...key(selection),
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
        ...surroundings,
      });
      await listener.changed();
    }
  }
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
): Omit<Sensitivity, keyof Key> {
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
