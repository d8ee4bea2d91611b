/** @module */
import { Queue, QueueEvents } from "bullmq";
import { Exit } from "../../exit.ts";
import type { Lane } from "../lane.ts";
import { inThreads } from "../pool.ts";
import { withoutPassword } from "./address.ts";
import { type Code, queueOf } from "./code.ts";
import { pendingJobs } from "./pending.ts";
import { announce } from "./producers.ts";
import { connect, connection, prefix, watchServer } from "./server.ts";
import { textStore } from "./texts.ts";

/** A lane whose jobs run on other machines. */
export interface QueueLane extends Lane {
  /** Runs that all workers together have going at once. */
  readonly workers: number;
}

/** How the producer looks after its jobs. */
export interface QueueOptions {
  /** Hears once what holds the jobs up: there is no worker, or no server. */
  readonly heldUp?: (why: string) => void;
  /** Milliseconds from one look to the next. */
  readonly every?: number;
}

/** Looks without a worker, or in vain, before it is said: half a minute. */
const saidAfter = 6;

/** Looks in vain before it ends: ten minutes. */
const endsAfter = 120;

/**
 * Puts jobs on the queue at an address and collects what they come to.
 *
 * A job has the same id every time, so that it is on the queue once: one that was put there before, by
 * this program or one that died, is not run again.
 *
 * @throws {Exit} With code 2, if the server cannot be reached.
 */
export async function queueLane(
  address: string,
  code: Code,
  { heldUp = () => {}, every = 5000 }: QueueOptions = {},
): Promise<QueueLane> {
  const redis = await connect(address);
  const shared = { connection: connection(address), prefix };
  const queue = new Queue(queueOf(code), shared);
  const events = new QueueEvents(queueOf(code), shared);
  const pending = pendingJobs(queue, textStore(redis));
  const quietly = (promise: Promise<unknown>) => void promise.catch(() => {});

  // A connection that breaks is made again; then all jobs are looked after.
  let reason = "it does not answer";
  queue.on("error", ({ message }) => reason = message);
  events.on("error", () => {});
  events.on("completed", ({ jobId, returnvalue }) => pending.complete(jobId, returnvalue));
  events.on("failed", ({ jobId }) => quietly(pending.look([jobId])));
  events.on("active", ({ jobId }) => pending.started(jobId));
  redis.on("ready", () => quietly(pending.look(pending.ids())));
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  const silence = await announce(redis, code);

  let workers = 0;
  const count = async () => {
    const all = await queue.getWorkers();
    workers = all.reduce((sum, { rawname }) => sum + slotsOf(rawname ?? ""), 0);
  };
  await count();
  let [turn, alone] = [0, 0];
  const where = withoutPassword(address);
  const watch = watchServer(redis, every, (inVain) => {
    if (inVain === saidAfter) heldUp(`waiting for the queue at ${where}: ${reason}`);
    if (inVain === endsAfter) {
      const gone = `Cannot go on: the queue at ${where} has been away for long: ${reason}; ` +
        "start it again, then go on with --resume";
      pending.end(new Exit(1, gone));
    }
    if (inVain > 0) return;
    quietly(count());
    // Events that were lost on the way are made up for, a part of the jobs at a time.
    const ids = pending.ids();
    quietly(pending.look(ids.slice(turn, turn + 200)));
    turn = turn + 200 < ids.length ? turn + 200 : 0;
    alone = workers === 0 && ids.length > 0 ? alone + 1 : 0;
    if (alone === saidAfter) heldUp("waiting: no worker is there (bench worker --queue …)");
  });

  return {
    size: Infinity,
    get workers() {
      return workers;
    },
    accepts: inThreads,
    run: (job, started) => pending.add(job, started),
    async close(complete) {
      const away = watch.inVain > 0;
      watch.stop();
      // What was interrupted is taken back where nobody has begun it; results stay for `--resume`.
      const ids = away ? [] : complete ? pending.settled : pending.ids();
      for (const id of ids) await queue.remove(id).catch(() => {});
      await atMost(5000, silence());
      await atMost(5000, Promise.all([queue.close(), events.close()]));
      redis.disconnect();
    },
  };
}

/** Waits, but no longer than that: a server that is away answers nothing. */
async function atMost(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, milliseconds);
  await Promise.race([promise.catch(() => {}), over.promise]);
  clearTimeout(timer);
}

/** The name of a worker, which says how many jobs it takes at once. */
export const workerName = (host: string, pid: number, slots: number): string =>
  `${host.replace(/[^\w.-]/g, "-")}~${pid}~${slots}`;

const slotsOf = (name: string) => Number(/~(\d+)$/.exec(name)?.[1] ?? 1);
