/** @module */
import type { JobsOptions, Queue } from "bullmq";
import { type Done, idOf, type Job, titleOf } from "../job.ts";
import { decode } from "./codec.ts";

/** A job may end its worker (there is no memory, say) this many times before it counts as failed. */
export const takeovers = 10;

/** Seconds that results of a producer that died wait for the one that resumes. */
export const week: number = 7 * 86_400;

const keep = { age: week };

const options: JobsOptions = {
  attempts: 3,
  backoff: { type: "exponential", delay: 500 },
  removeOnComplete: keep,
  removeOnFail: keep,
};

interface Pending {
  readonly job: Job;
  readonly resolve: (done: Done) => void;
  readonly reject: (error: Error) => void;
  readonly started: () => void;
  /** A failure from before counts for nothing: it is tried again. */
  fresh: boolean;
}

/** The jobs that a producer waits for. */
export interface PendingJobs {
  ids(): string[];
  /** Those that it waits for no longer. */
  readonly settled: ReadonlySet<string>;
  /** Puts a job on the queue, unless it is there, and waits for what it comes to. */
  add(job: Job, started: () => void): Promise<Done>;
  /** Says that a worker has begun one. */
  started(id: string): void;
  /** Takes what one came to, as text. */
  complete(id: string, text: string): void;
  /** Gives all up. */
  end(error: Error): void;
  /** Finds out how these stand, whatever was missed. */
  look(ids: readonly string[]): Promise<void>;
}

/** Waits for jobs of a queue, which has them as `queued` makes them. */
export function pendingJobs(queue: Queue, queued: (job: Job) => Promise<unknown>): PendingJobs {
  const pending = new Map<string, Pending>();
  const settled = new Set<string>();
  const looking = new Set<string>();

  const settle = (id: string, say: (one: Pending) => void) => {
    const one = pending.get(id);
    if (!one) return; // twice, or someone else's
    pending.delete(id);
    settled.add(id);
    try {
      say(one);
    } catch (error) {
      one.reject(error as Error);
    }
  };
  const complete = (id: string, text: string) => settle(id, ({ resolve }) => resolve(decode(text)));
  // Cells that are tuned come first, so that rows come early.
  const put = async (job: Job) =>
    await queue.add(titleOf(job), await queued(job), {
      ...options,
      priority: job.tuning ? 2 : 1,
      jobId: idOf(job),
    });

  const lookAtFailed = async (id: string, one: Pending) => {
    const found = await queue.getJob(id);
    if (!found) return void await put(one.job);
    if (!one.fresh) {
      one.fresh = true;
      // Another producer may have been quicker; the next look tells how that came out.
      return await found.retry("failed", { resetAttemptsMade: true, resetAttemptsStarted: true })
        .catch(() => {});
    }
    const reason = /stalled more than/.test(found.failedReason)
      ? `its workers ended, or said nothing for as long as their --lease, more than ${takeovers} times`
      : found.failedReason;
    settle(id, ({ job, reject }) => reject(new Error(`Cannot run ${titleOf(job)}: ${reason}`)));
  };
  const look = async (id: string): Promise<void> => {
    const one = pending.get(id);
    if (!one || looking.has(id)) return;
    looking.add(id);
    try {
      // The state first: a job that was read before it completed has no result yet.
      const state = await queue.getJobState(id);
      if (state === "completed") {
        const found = await queue.getJob(id);
        return found ? complete(id, found.returnvalue) : void await put(one.job);
      }
      if (state === "failed") return await lookAtFailed(id, one);
      one.fresh = true;
      if (state !== "unknown") return;
      // A server may have lost it, or a part of it.
      await queue.remove(id);
      await put(one.job);
    } finally {
      looking.delete(id);
    }
  };
  return {
    ids: () => [...pending.keys()],
    settled,
    async add(job, started) {
      const id = idOf(job);
      const done = new Promise<Done>((resolve, reject) => {
        pending.set(id, { job, resolve, reject, started, fresh: false });
      });
      // Without a server nothing is put there, but what is pending can be given up.
      await Promise.race([put(job).then(() => look(id)), done]);
      return await done;
    },
    started: (id) => pending.get(id)?.started(),
    complete,
    end(error) {
      for (const id of [...pending.keys()]) settle(id, ({ reject }) => reject(error));
    },
    async look(ids) {
      for (let i = 0; i < ids.length; i += 50) {
        await Promise.all(ids.slice(i, i + 50).map(look));
      }
    },
  };
}
