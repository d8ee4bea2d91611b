/** @module */
import type { Surroundings } from "../device.ts";
import { gpuBackends } from "../gpu.ts";
import type { Performed } from "./here.ts";
import { titleOf } from "./job.ts";
import type { Lane } from "./lane.ts";

/** What a thread says of its job. */
export type Answer = Performed | { readonly error: string; readonly broken?: true };

/** A GPU is one: its runs take turns in the main thread. */
export const inThreads = ({ backend }: { readonly backend: string }): boolean =>
  !gpuBackends.includes(backend);

/**
 * Runs jobs in threads, each with its own libraries, which work with one thread each. Threads start
 * when there is a job for them, and share nothing.
 */
export function poolLane(size: number, surroundings: Surroundings): Lane {
  const idle: Worker[] = [];
  const all = new Set<Worker>();
  const start = () => {
    const thread = new Worker(new URL("./thread.ts", import.meta.url), { type: "module" });
    all.add(thread);
    return thread;
  };
  return {
    size,
    accepts: inThreads,
    async run(job, started) {
      const thread = idle.pop() ?? start();
      started();
      const answer = await new Promise<Answer>((resolve) => {
        thread.onmessage = ({ data }: MessageEvent<Answer>) => resolve(data);
        thread.onerror = (event) => {
          event.preventDefault();
          resolve({ error: event.message, broken: true });
        };
        thread.postMessage(job);
      });
      if ("broken" in answer) {
        all.delete(thread);
        thread.terminate();
      } else idle.push(thread);
      if ("error" in answer) throw new Error(`Cannot run ${titleOf(job)}: ${answer.error}`);
      return { ...answer, surroundings };
    },
    close() {
      for (const thread of all) thread.terminate();
      return Promise.resolve();
    },
  };
}
