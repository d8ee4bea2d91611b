/** @module */
import { Presets, SingleBar } from "cli-progress";
import { type Cell } from "./suite.ts";
import { runsOf } from "./protocol.ts";

/** How long the rest will take. */
export interface Forecast {
  /** Takes note of runs that are done; 0 seconds means that they were skipped. */
  done(cell: Cell, runs: number, seconds: number): void;
  readonly secondsLeft: number;
}

/**
 * Forecasts from what the runs of each problem have taken so far; guesses for problems not met yet
 * are corrected by those that were. `workers()` runs happen at once.
 */
export function forecast(
  cells: readonly Cell[],
  seeds: number,
  workers: () => number = () => 1,
): Forecast {
  const entries = new Map<string, { left: number; runs: number; seconds: number; guess: number }>();
  for (const cell of cells) {
    const entry = entries.get(keyOf(cell)) ??
      { left: 0, runs: 0, seconds: 0, guess: cell.problem.seconds };
    entries.set(keyOf(cell), { ...entry, left: entry.left + runsOf(cell, seeds) });
  }
  return {
    done(cell, runs, seconds) {
      const entry = entries.get(keyOf(cell))!;
      entry.left = Math.max(0, entry.left - runs);
      if (seconds === 0) return;
      entry.runs += runs;
      entry.seconds += seconds;
    },
    get secondsLeft() {
      const all = [...entries.values()];
      const spent = all.reduce((sum, { seconds }) => sum + seconds, 0);
      const guessed = all.reduce((sum, { runs, guess }) => sum + runs * guess, 0);
      const correction = guessed > 0 ? spent / guessed : 1;
      const work = all.reduce(
        (sum, { left, runs, seconds, guess }) =>
          sum + left * (runs > 0 ? seconds / runs : guess * correction),
        0,
      );
      return work / Math.max(1, workers());
    },
  };
}

const keyOf = ({ problem, backend }: Cell) => `${problem.name}/${problem.batchSize}/${backend}`;

/** 75 → "1:15". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/** A bar with the time left. */
export interface Progress {
  doing(what: string): void;
  done(cell: Cell, runs: number, seconds: number): void;
  stop(): void;
}

/** Shows a bar on a terminal, and a line every 10 seconds elsewhere. */
export function progress(
  cells: readonly Cell[],
  seeds: number,
  workers: () => number,
): Progress {
  const rest = forecast(cells, seeds, workers);
  const total = cells.reduce((sum, cell) => sum + runsOf(cell, seeds), 0);
  const bar = new SingleBar({
    format: "{bar} {percentage} % · {value} of {total} runs · {left} left · {what}",
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
    forceRedraw: true,
    // Ctrl-C belongs to the benchmark, which still has rows to save.
    gracefulExit: false,
    emptyOnZero: true,
  }, Presets.shades_classic);
  let what = "";
  const payload = () => ({ left: clock(rest.secondsLeft), what });
  if (total > 0) bar.start(total, 0, payload());
  return {
    doing(next) {
      what = next.padEnd(36);
      bar.update(payload());
    },
    done(cell, runs, seconds) {
      rest.done(cell, runs, seconds);
      bar.increment(runs, payload());
    },
    stop() {
      what = "";
      bar.update(payload());
      bar.stop();
    },
  };
}
