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
const program = fileURLToPath(new URL("../../main.ts", import.meta.url));
const request: Request = {
  full: false,
  problems: ["A", "C"],
  methods: ["sgd", "momentum", "combined-ht"],
  backends: [],
  seeds: 2,
};

/** Workers, three at a time, of which the first `kills` die when they have started a job. */
function dyingWorkers(address: string): { readonly killed: () => number; stop(): Promise<void> } {
  /** Kills in the middle of each job: it must not look like one that ends its worker. */
  const hits = new Map<string, number>();
  const running = new Set<Deno.ChildProcess>();
  let [killed, over] = [0, false];

  const live = async () => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", program, "worker", "--queue", address, "--workers", "1", "--lease", "2"],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    running.add(child);
    // Some in their first job, some in a later one.
    let jobs = 1 + running.size % 3;
    let text = "";
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (text + part).split("\n");
      text = lines.pop()!;
      // The last line, so that the job has not ended since.
      const line = lines.at(-1) ?? "";
      if (!line.startsWith("started") || killed >= kills || --jobs > 0) continue;
      if ((hits.get(line) ?? 0) >= 3) continue;
      hits.set(line, (hits.get(line) ?? 0) + 1);
      killed++;
      child.kill("SIGKILL");
    }
    await child.status;
    running.delete(child);
  };
  const lives = [1, 2, 3].map(async () => {
    while (!over) await live();
  });
  return {
    killed: () => killed,
    async stop() {
      over = true;
      for (const child of running) child.kill("SIGKILL");
      await Promise.all(lives);
    },
  };
}

serverTest(`every row is there once after ${kills} kills`, async (address) => {
  const code = codeOf();
  const lane = await queueLane(address, code);
  const workers = dyingWorkers(address);
  const results = await resultsOf(request, lane).finally(() => workers.stop());
  assert.equal(workers.killed(), kills);

  const queue = new Queue(queueOf(code), { connection: connection(address), prefix });
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
