import assert from "node:assert/strict";
import { Interrupted } from "../interrupt.ts";
import { methodNamed } from "../methods.ts";
import type { Plan } from "../protocol.ts";
import { type Cell, cellsOf } from "../suite.ts";
import { type Done, type Job, jobOf } from "./job.ts";
import type { Lane } from "./lane.ts";
import { schedule } from "./schedule.ts";

const [cell] = cellsOf({ full: false, problems: ["A"], methods: ["sgd"], backends: [], seeds: 1 });
assert.ok(cell);

/** A plan of two jobs, the second of which waits for the first. */
function chained(name: string, backend = "cpu"): Plan & { readonly taken: Job[] } {
  const one: Cell = { ...cell!, backend, method: { ...methodNamed("sgd"), name } };
  const jobs = [1, 2].map((seed) => jobOf(one, { learningRate: 1, seed, tuning: seed === 1 }));
  const taken: Job[] = [];
  let started = 0;
  return {
    taken,
    get over() {
      return taken.length === 2;
    },
    next(wanted) {
      const job = jobs[started];
      if (!job || started > taken.length || !wanted(job)) return undefined;
      started++;
      return job;
    },
    take: (job) => taken.push(job) > 0,
  };
}

/** Runs jobs until they are told to end. */
function manual(size: number, backend = "cpu"): Lane & {
  readonly running: Map<string, { end(): void; fail(error: Error): void }>;
} {
  const running = new Map<string, { end(): void; fail(error: Error): void }>();
  return {
    size,
    running,
    accepts: (job) => job.backend === backend,
    run({ method, seed }, started) {
      started("elsewhere");
      return new Promise<Done>((resolve, reject) => {
        const over = () => running.delete(`${method} ${seed}`);
        running.set(`${method} ${seed}`, {
          end: () => over() && resolve({} as Done),
          fail: (error) => over() && reject(error),
        });
      });
    },
    close: () => Promise.resolve(),
  };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("schedule() fills lanes, the first plan's jobs first, and says what starts where", async () => {
  const plans = [chained("a"), chained("b"), chained("c")];
  const lane = manual(2);
  const said: string[] = [];
  const listener = { starting: (what: string) => said.push(what), finished() {}, changed() {} };
  const all = schedule(plans, [lane], listener);
  const end = async (name: string) => {
    lane.running.get(name)!.end();
    await turn();
    return [...lane.running.keys()];
  };
  assert.deepEqual([...lane.running.keys()], ["a 1", "b 1"]);
  assert.deepEqual(await end("b 1"), ["a 1", "b 2"]);
  assert.deepEqual(await end("a 1"), ["b 2", "a 2"]);
  assert.deepEqual(await end("b 2"), ["a 2", "c 1"]);
  assert.deepEqual(await end("c 1"), ["a 2", "c 2"]);
  assert.deepEqual(await end("a 2"), ["c 2"]);
  assert.deepEqual(await end("c 2"), []);
  await all;
  assert.deepEqual(plans.map(({ taken }) => taken.map(({ seed }) => seed)), [[1, 2], [1, 2], [
    1,
    2,
  ]]);
  assert.deepEqual(said.slice(0, 3), [
    "A · a · tuning · elsewhere",
    "A · b · tuning · elsewhere",
    "A · b · seed 2 · elsewhere",
  ]);
});

const silent = { starting() {}, finished() {}, changed() {} };

Deno.test("schedule() brings each job to the lane that accepts it", async () => {
  const [cpu, webgl] = [manual(9), manual(1, "webgl")];
  const plans = [chained("a", "webgl"), chained("b", "webgl"), chained("c")];
  const all = schedule(plans, [cpu, webgl], silent);
  assert.deepEqual([...webgl.running.keys()], ["a 1"]);
  assert.deepEqual([...cpu.running.keys()], ["c 1"]);
  for (let i = 0; i < 4; i++) {
    for (const lane of [cpu, webgl]) for (const { end } of lane.running.values()) end();
    await turn();
  }
  await all;
});

Deno.test("schedule() ends with an error, after which nothing starts or counts", async () => {
  const plans = [chained("a"), chained("b")];
  const lane = manual(2);
  const all = schedule(plans, [lane], silent);
  const failed = assert.rejects(all, /^Error: no memory$/);
  lane.running.get("a 1")!.fail(new Error("no memory"));
  await turn();
  lane.running.get("b 1")!.end();
  await failed;
  await turn();
  assert.deepEqual([plans[1]!.taken.length, lane.running.size], [0, 0]);
});

Deno.test("schedule() ends at a signal", async () => {
  const [controller, plan, lane] = [new AbortController(), chained("a"), manual(1)];
  const all = schedule([plan], [lane], silent, controller.signal);
  controller.abort();
  await assert.rejects(all, Interrupted);
  lane.running.get("a 1")!.end();
  await turn();
  assert.equal(plan.taken.length, 0);
  await assert.rejects(schedule([plan], [lane], silent, controller.signal), Interrupted);
});

Deno.test("schedule() refuses a job that no lane accepts", async () => {
  const all = schedule([chained("a", "webgl")], [manual(1)], silent);
  await assert.rejects(all, /Cannot run A · a · tuning: nothing here runs such jobs/);
});
