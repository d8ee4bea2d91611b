/** @module */
import { Interrupted } from "../interrupt.ts";
import type { Plan } from "../protocol.ts";
import type { Cell } from "../suite.ts";
import { type Job, titleOf } from "./job.ts";
import type { Lane } from "./lane.ts";

/** What the scheduler tells its caller as it goes. */
export interface Listener {
  /** A run starts. */
  starting(what: string): void;
  /** After each run, or instead of `runs` that a results file or an earlier choice made needless. */
  finished(cell: Cell, runs: number, seconds: number): void;
  /** After a row or a sensitivity was added. */
  changed(): unknown;
}

/**
 * Runs what the plans have, the first plan's jobs first, wherever a lane is free.
 *
 * @throws {Interrupted} After `signal`.
 * @throws What a job threw: then no other starts.
 */
export function schedule(
  plans: readonly Plan[],
  lanes: readonly Lane[],
  listener: Listener,
  signal?: AbortSignal,
): Promise<void> {
  let open = plans.filter((plan) => !plan.over);
  const running = new Map(lanes.map((lane) => [lane, 0]));
  const next = (lane: Lane): [Plan, Job] | undefined => {
    for (const plan of open) {
      const job = plan.next((job) => lane.accepts(job));
      if (job) return [plan, job];
    }
    return undefined;
  };
  return new Promise((resolve, reject) => {
    let ended = false;
    const end = (settle: () => void) => {
      ended = true;
      signal?.removeEventListener("abort", abort);
      settle();
    };
    const abort = () => end(() => reject(new Interrupted()));
    const start = async (lane: Lane, plan: Plan, job: Job) => {
      running.set(lane, running.get(lane)! + 1);
      try {
        const done = await lane.run(
          job,
          (where) => listener.starting(titleOf(job) + (where ? ` · ${where}` : "")),
        );
        if (ended) return;
        if (plan.take(job, done)) listener.changed();
        running.set(lane, running.get(lane)! - 1);
        fill();
      } catch (error) {
        if (!ended) end(() => reject(error));
      }
    };
    const fill = () => {
      open = open.filter((plan) => !plan.over);
      for (const lane of lanes) {
        while (running.get(lane)! < lane.size) {
          const found = next(lane);
          if (!found) break;
          start(lane, ...found);
        }
      }
      if ([...running.values()].some((count) => count > 0)) return;
      const stuck = open.flatMap((plan) => plan.next(() => true) ?? [])[0];
      if (!stuck) return end(resolve);
      end(() => reject(new Error(`Cannot run ${titleOf(stuck)}: nothing here runs such jobs`)));
    };
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort);
    fill();
  });
}
