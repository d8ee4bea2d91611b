/** @module */
import { type Job as QueueEntry, WaitingError, Worker } from "bullmq";
import os from "node:os";
import { Exit } from "../../exit.ts";
import { device, source } from "../../device.ts";
import { titleOf } from "../job.ts";
import { poolLane } from "../pool.ts";
import { withoutPassword } from "./address.ts";
import { type Code, describeCode, queueOf } from "./code.ts";
import { encode } from "./codec.ts";
import { takeovers } from "./pending.ts";
import { workerName } from "./producer.ts";
import { refusal } from "./producers.ts";
import { connect, connection, prefix } from "./server.ts";
import { type QueuedJob, textReader } from "./texts.ts";

/** How a worker works. */
export interface WorkerOptions {
  readonly address: string;
  readonly code: Code;
  /** Jobs at once. */
  readonly workers: number;
  /** Seconds after which the jobs of a worker that says nothing are given to others. */
  readonly lease: number;
  readonly log: (line: string) => void;
  /** Ends it when the jobs that it has are done. */
  readonly finish: AbortSignal;
  /** Ends it now; the jobs that it has go back. */
  readonly giveBack: AbortSignal;
}

/**
 * Takes jobs until it is told to end.
 *
 * @throws {Exit} With code 2, if the server cannot be reached or the jobs there are of other code.
 */
export async function work(options: WorkerOptions): Promise<void> {
  const { address, code, workers, lease, log, finish, giveBack } = options;
  const redis = await connect(address);
  const refused = async () => {
    const reason = await refusal(redis, code);
    if (reason) throw new Exit(2, reason);
  };
  const surroundings = { device: device(), versions: code.versions, ...source(), workers };
  const pool = poolLane(workers, surroundings);
  const returned = new Promise<"returned">((resolve) => {
    giveBack.addEventListener("abort", () => resolve("returned"));
    if (giveBack.aborted) resolve("returned");
  });
  const whole = textReader(redis);
  // With three parameters it is told of a lease that is lost.
  const take = async (
    queued: QueueEntry<QueuedJob, string>,
    token: string | undefined,
    lost: AbortSignal | undefined,
  ): Promise<string> => {
    const job = await whole(queued.data);
    log(`started  ${titleOf(job)}`);
    const late = new Promise<"late">((resolve) => {
      lost?.addEventListener("abort", () => resolve("late"));
    });
    const done = await Promise.race([late, pool.run(job, () => {}, lost), returned]);
    if (done === "late") {
      log(`lost     ${titleOf(job)}: its lease ran out, so that others take it over`);
      throw new WaitingError();
    }
    if (done === "returned") {
      await queued.moveToWait(token);
      log(`returned ${titleOf(job)}`);
      throw new WaitingError();
    }
    log(`finished ${titleOf(job)} in ${done.seconds.toFixed(1)} s`);
    return encode(done);
  };
  let worker: Worker<QueuedJob, string> | undefined;
  try {
    await refused();
    worker = new Worker<QueuedJob, string>(queueOf(code), take, {
      connection: connection(address),
      prefix,
      name: workerName(os.hostname(), Deno.pid, workers),
      concurrency: workers,
      lockDuration: lease * 1000,
      stalledInterval: lease * 500,
      maxStalledCount: takeovers,
    });
    worker.on("error", (error) => log(`queue: ${error.message}`));
    worker.on("lockRenewalFailed", (ids) => ids.forEach((id) => worker!.cancelJob(id)));
    worker.on(
      "failed",
      (queued, error) => queued && log(`failed   ${queued.name}: ${error.message}`),
    );
    await worker.waitUntilReady();
    log(
      `Taking jobs of ${describeCode(code)} from ${
        withoutPassword(address)
      }, ${workers} at once; ` +
        "Ctrl-C ends it after them, a second one gives them back",
    );
    await until([finish, giveBack], refused);
  } finally {
    await worker?.close();
    await pool.close(false);
    redis.disconnect();
  }
}

/** Waits for one of the signals, and looks for reasons to end earlier. */
function until(signals: readonly AbortSignal[], refused: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearInterval(timer);
      settle();
    };
    const timer = setInterval(() => {
      refused().catch((error) => error instanceof Exit && end(() => reject(error)));
    }, 5000);
    for (const signal of signals) {
      signal.addEventListener("abort", () => end(resolve));
      if (signal.aborted) end(resolve);
    }
  });
}
