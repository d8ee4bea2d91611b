/** @module */
import type { Placed } from "../backends.ts";
import type { Surroundings } from "../device.ts";
import type { Outcome } from "../problems/problem.ts";
import type { Cell } from "../suite.ts";
import { cellKey, type Job } from "./job.ts";
import type { Lane } from "./lane.ts";

/** What a run measured, and how long all of it took. */
export interface Performed {
  readonly outcome: Outcome;
  readonly seconds: number;
}

/** Runs a job of a cell. */
export async function perform(
  { problem, method }: Cell,
  { learningRate, seed, backend, tuning }: Job,
  breathe: () => Promise<void>,
): Promise<Performed> {
  const start = performance.now();
  const outcome = await problem.run({ method, learningRate, seed, backend, tuning, breathe });
  return { outcome, seconds: (performance.now() - start) / 1e3 };
}

/** Runs the jobs of some cells in this process, one at a time. */
export function hereLane(
  placed: readonly Placed[],
  { surroundings, breathe }: { surroundings: Surroundings; breathe: () => Promise<void> },
): Lane {
  const cells = new Map(placed.map((one) => {
    const { problem, method, ...rest } = one.cell;
    return [cellKey({ ...rest, problem: problem.name, method: method.name }), one];
  }));
  let current: Promise<unknown> = Promise.resolve();
  return {
    size: 1,
    accepts: (job) => cells.has(cellKey(job)),
    async run(job, started) {
      const { cell, gpu } = cells.get(cellKey(job))!;
      started();
      const running = perform(cell, job, breathe);
      current = running.catch(() => {});
      const performed = await running;
      await breathe();
      return {
        ...performed,
        surroundings: gpu
          ? { ...surroundings, device: { ...surroundings.device, gpu } }
          : surroundings,
      };
    },
    async close() {
      await current;
    },
  };
}
