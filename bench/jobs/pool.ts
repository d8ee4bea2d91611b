/** @module */
import type { Surroundings } from "../device.ts";
import { onGpu } from "../gpu.ts";
import type { Performed } from "./here.ts";
import { type Done, type Job, titleOf } from "./job.ts";
import type { Lane } from "./lane.ts";

/** What a thread says of its job. */
export type Answer = Performed | { readonly error: string; readonly broken?: true };

/** What a thread says first: from now on it hears. */
export const ready = "ready";

/** A GPU is one: its runs take turns in the main thread. */
export const inThreads = ({ backend }: { readonly backend: string }): boolean => !onGpu(backend);

/** A lane of threads. */
export interface Pool extends Lane {
  /** Runs a job; `stop` ends it in the middle, with its thread. */
  run(job: Job, started: () => void, stop?: AbortSignal): Promise<Done>;
}

/** Threads that do not come up before a job fails. */
const starts = 3;

/**
 * Runs jobs in threads, each with its own libraries, which work with one thread each. Threads start
 * when there is a job for them, and share nothing.
 *
 * @param options `module` is what a thread runs, `patience` the seconds that it may take to come up.
 */
export function poolLane(
  size: number,
  surroundings: Surroundings,
  { module = new URL("./thread.ts", import.meta.url), patience = 120 }: {
    readonly module?: URL;
    readonly patience?: number;
  } = {},
): Pool {
  const idle: Worker[] = [];
  const all = new Set<Worker>();
  const waits = new Set<ReturnType<typeof setTimeout>>();
  const drop = (thread: Worker) => {
    all.delete(thread);
    thread.terminate();
  };
  /** A thread that hears: what is said to one that does not yet may be lost. */
  const start = () =>
    new Promise<Worker | undefined>((resolve, reject) => {
      const thread = new Worker(module, { type: "module" });
      all.add(thread);
      const wait = setTimeout(() => {
        drop(thread);
        end(() => resolve(undefined));
      }, patience * 1000);
      waits.add(wait);
      const end = (settle: () => void) => {
        clearTimeout(wait);
        waits.delete(wait);
        settle();
      };
      thread.onmessage = ({ data }) => data === ready && end(() => resolve(thread));
      thread.onerror = (event) => {
        event.preventDefault();
        drop(thread);
        end(() => reject(new Error(event.message)));
      };
    });
  const started = async () => {
    for (let i = 0; i < starts; i++) {
      const thread = await start();
      if (thread) return thread;
    }
    throw new Error(
      `${starts} threads in a row did not come up within ${patience} s each; ` +
        "close other programs, or ask for fewer --workers",
    );
  };
  const ask = (thread: Worker, job: Job, stop?: AbortSignal) =>
    new Promise<Answer>((resolve) => {
      const stopped = () => resolve({ error: "it was stopped", broken: true });
      thread.onmessage = ({ data }: MessageEvent<Answer>) => {
        stop?.removeEventListener("abort", stopped);
        resolve(data);
      };
      thread.onerror = (event) => {
        event.preventDefault();
        resolve({ error: event.message, broken: true });
      };
      stop?.addEventListener("abort", stopped);
      if (stop?.aborted) return stopped();
      thread.postMessage(job);
    });
  return {
    size,
    accepts: inThreads,
    async run(job, say, stop) {
      const cannot = (why: string) => new Error(`Cannot run ${titleOf(job)}: ${why}`);
      const thread = idle.pop() ?? await started().catch((error) => {
        throw cannot(error.message);
      });
      say();
      const answer = await ask(thread, job, stop);
      if ("broken" in answer) drop(thread);
      else idle.push(thread);
      if ("error" in answer) throw cannot(answer.error);
      return { ...answer, surroundings };
    },
    close() {
      for (const wait of waits) clearTimeout(wait);
      for (const thread of all) thread.terminate();
      return Promise.resolve();
    },
  };
}
