/** @module */
import { type JobsOptions, Queue, QueueEvents } from "bullmq";
import { type Done, idOf, type Job, titleOf } from "../job.ts";
import type { Lane } from "../lane.ts";
import { inThreads } from "../pool.ts";
import { type Code, queueOf } from "./code.ts";
import { decode } from "./codec.ts";
import { announce } from "./producers.ts";
import { connect, connection, prefix } from "./server.ts";

/** A lane whose jobs run on other machines. */
export interface QueueLane extends Lane {
  /** Runs that all workers together have going at once. */
  readonly workers: number;
}

/** Results of a producer that died wait a week for the one that resumes. */
const keep = { age: 7 * 86_400 };

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

/**
 * Puts jobs on the queue at an address and collects what they come to.
 *
 * A job has the same id every time, so that it is on the queue once: one that was put there before, by
 * this program or one that died, is not run again.
 *
 * @throws {Exit} With code 2, if the server cannot be reached.
 */
export async function queueLane(address: string, code: Code): Promise<QueueLane> {
  const redis = await connect(address);
  const shared = { connection: connection(address), prefix };
  const queue = new Queue(queueOf(code), shared);
  const events = new QueueEvents(queueOf(code), shared);
  const pending = new Map<string, Pending>();
  const settled = new Set<string>();
  let workers = 0;
  let closed = false;

  const settle = (id: string, say: (one: Pending) => void) => {
    const one = pending.get(id);
    if (!one) return; // twice, or someone else's
    pending.delete(id);
    settled.add(id);
    say(one);
  };
  const complete = (id: string, text: string) => settle(id, ({ resolve }) => resolve(decode(text)));
  // Cells that are tuned come first, so that rows come early.
  const put = (job: Job) =>
    queue.add(titleOf(job), job, { ...options, priority: job.tuning ? 2 : 1, jobId: idOf(job) });

  /** Finds out how a job stands, whatever was missed. */
  const look = async (id: string): Promise<void> => {
    const one = pending.get(id);
    if (!one) return;
    const found = await queue.getJob(id);
    // A server may have lost it.
    if (!found) return void await put(one.job);
    const state = await found.getState();
    if (state === "completed") return complete(id, found.returnvalue);
    if (state !== "failed") {
      one.fresh = true;
      return;
    }
    if (!one.fresh) {
      one.fresh = true;
      return await found.retry("failed", { resetAttemptsMade: true, resetAttemptsStarted: true });
    }
    settle(
      id,
      ({ job, reject }) => reject(new Error(`Cannot run ${titleOf(job)}: ${found.failedReason}`)),
    );
  };
  const lookAll = async (ids: readonly string[]) => {
    for (let i = 0; i < ids.length && !closed; i += 50) {
      await Promise.all(ids.slice(i, i + 50).map(look));
    }
  };
  const quietly = (promise: Promise<unknown>) => void promise.catch(() => {});

  // A connection that breaks is made again; then all jobs are looked after.
  queue.on("error", () => {});
  events.on("error", () => {});
  events.on("completed", ({ jobId, returnvalue }) => complete(jobId, returnvalue));
  events.on("failed", ({ jobId }) => quietly(look(jobId)));
  events.on("active", ({ jobId }) => pending.get(jobId)?.started());
  redis.on("ready", () => quietly(lookAll([...pending.keys()])));
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  const silence = await announce(redis, code);

  const count = async () => {
    const all = await queue.getWorkers();
    workers = all.reduce((sum, { rawname }) => sum + slotsOf(rawname ?? ""), 0);
  };
  await count();
  let turn = 0;
  const timer = setInterval(() => {
    quietly(count());
    // Events that were lost on the way are made up for, a part of the jobs at a time.
    const ids = [...pending.keys()];
    quietly(lookAll(ids.slice(turn, turn + 200)));
    turn = turn + 200 < ids.length ? turn + 200 : 0;
  }, 5000);

  return {
    size: Infinity,
    get workers() {
      return workers;
    },
    accepts: inThreads,
    async run(job, started) {
      const id = idOf(job);
      const done = new Promise<Done>((resolve, reject) => {
        pending.set(id, { job, resolve, reject, started, fresh: false });
      });
      await put(job);
      await look(id);
      return await done;
    },
    async close(complete) {
      closed = true;
      clearInterval(timer);
      // What was interrupted is taken back where nobody has begun it; results stay for `--resume`.
      const ids = complete ? settled : pending.keys();
      for (const id of ids) await queue.remove(id).catch(() => {});
      await silence().catch(() => {});
      await Promise.all([queue.close(), events.close()]);
      redis.disconnect();
    },
  };
}

/** The name of a worker, which says how many jobs it takes at once. */
export const workerName = (host: string, pid: number, slots: number): string =>
  `${host.replace(/[^\w.-]/g, "-")}~${pid}~${slots}`;

const slotsOf = (name: string) => Number(/~(\d+)$/.exec(name)?.[1] ?? 1);
