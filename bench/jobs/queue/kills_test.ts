// Workers that are killed in the middle of their jobs.
import { Queue } from "bullmq";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { device, source, versions } from "../../device.ts";
import type { Request } from "../../suite.ts";
import { localResults, resultsOf, withoutSeconds } from "../_testing.ts";
import { serverTest } from "./_testing.ts";
import { codeOf, queueOf } from "./code.ts";
import { queueLane } from "./producer.ts";
import { connection, prefix } from "./server.ts";

const kills = 20;
/** Milliseconds after which it hangs: it takes less than one, alone on two cores. */
const limit = 600_000;
const program = fileURLToPath(new URL("../../main.ts", import.meta.url));
const request: Request = {
  full: false,
  problems: ["A", "C"],
  methods: ["sgd", "momentum", "combined-ht"],
  backends: [],
  seeds: 2,
};

/** One that lives until it is killed, with all that it says. */
interface Life {
  readonly child: Deno.ChildProcess;
  readonly lines: string[];
  killed: boolean;
}

const told = (lives: readonly Life[]): string =>
  lives.map(({ killed, lines }, i) =>
    [`worker ${i + 1}${killed ? ", killed" : ""}:`, ...lines.slice(-5)].join("\n  ")
  ).join("\n");

interface DyingWorkers {
  readonly killed: number;
  readonly lives: readonly Life[];
  /** Rejects when one ends that was not killed. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

/** Workers, three at a time, of which the first `kills` die when they have started a job. */
function dyingWorkers(address: string): DyingWorkers {
  /** Kills in the middle of each job: it must not look like one that ends its worker. */
  const hits = new Map<string, number>();
  const lives: Life[] = [];
  const running = new Set<Life>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  let [killed, over] = [0, false];
  const kill = (life: Life) => {
    life.killed = true;
    life.child.kill("SIGKILL");
  };

  /** Reads to the end; the last line of what has come, so that the job has not ended since. */
  const read = async (
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    lines: string[],
    last: (line: string) => void = () => {},
  ) => {
    let text = "";
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      const whole = (text + part).split("\n");
      text = whole.pop()!;
      lines.push(...whole);
      last(whole.at(-1) ?? "");
    }
    if (text) lines.push(text);
  };
  const live = async () => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", program, "worker", "--queue", address, "--workers", "1", "--lease", "4"],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const life: Life = { child, lines: [], killed: false };
    // Some in their first job, some in a later one.
    let jobs = 1 + lives.push(life) % 3;
    running.add(life);
    const said = read(child.stdout, life.lines, (line) => {
      if (!line.startsWith("started") || killed >= kills || life.killed || --jobs > 0) return;
      if ((hits.get(line) ?? 0) >= 3) return;
      hits.set(line, (hits.get(line) ?? 0) + 1);
      killed++;
      kill(life);
    });
    await Promise.all([said, read(child.stderr, life.lines)]);
    const { code } = await child.status;
    running.delete(life);
    if (life.killed) return;
    over = true;
    failed.reject(new Error(`A worker ended by itself with code ${code}:\n${told([life])}`));
  };
  const all = [1, 2, 3].map(async () => {
    while (!over) await live();
  });
  return {
    get killed() {
      return killed;
    },
    lives,
    failed: failed.promise,
    async stop() {
      over = true;
      for (const life of running) if (!life.killed) kill(life);
      await Promise.all(all);
    },
  };
}

/** How every job stands that is not done. */
async function openJobs(queue: Queue): Promise<string> {
  const jobs = await queue.getJobs(["waiting", "prioritized", "active", "delayed", "failed"]);
  return (await Promise.all(
    jobs.map(async (job) =>
      `${job.name}: ${await job.getState()}, started ${job.attemptsStarted} times, ` +
      `stalled ${job.stalledCounter} times ${job.failedReason ?? ""}`
    ),
  )).join("\n");
}

serverTest(`every row is there once after ${kills} kills`, async (address) => {
  const code = codeOf();
  const lane = await queueLane(address, code);
  const queue = new Queue(queueOf(code), { connection: connection(address), prefix });
  const workers = dyingWorkers(address);
  const hangs = Promise.withResolvers<never>();
  const timer = setTimeout(async () => {
    const jobs = await openJobs(queue).catch(String);
    hangs.reject(
      new Error(`It hangs after ${workers.killed} kills.\n${jobs}\n${told(workers.lives)}`),
    );
  }, limit);
  const results = await Promise.race([resultsOf(request, lane), workers.failed, hangs.promise])
    .finally(() => (clearTimeout(timer), workers.stop()));
  assert.equal(workers.killed, kills);

  const jobs = await queue.getJobs(["completed"]);
  const takenOver = jobs.reduce((sum, { attemptsStarted }) => sum + attemptsStarted - 1, 0);
  // A few may have died between two jobs.
  assert.ok(takenOver >= kills / 2, `only ${takenOver} jobs were taken over`);
  await queue.close();
  await lane.close(true);

  const surroundings = { device: device(), versions: versions(), ...source(), workers: 1 };
  assert.equal(results.rows.length, 2 * 3 * 2);
  assert.deepEqual(
    withoutSeconds(results),
    withoutSeconds(await localResults(request, surroundings)),
  );
});
