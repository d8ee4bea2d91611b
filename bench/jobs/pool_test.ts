import assert from "node:assert/strict";
import { addBackendsOf } from "../backends.ts";
import type { Surroundings } from "../device.ts";
import { cellsOf, type Request } from "../suite.ts";
import { localResults, resultsOf, withoutSeconds } from "./_testing.ts";
import { cellOf, idOf, type Job, jobOf } from "./job.ts";
import { poolLane } from "./pool.ts";

const surroundings: Surroundings = {
  device: { cpu: "", cores: 1, os: "" },
  versions: { precond: "", tfjs: "", deno: "" },
  commit: null,
  dirty: false,
  workers: 1,
};
const request: Request = {
  full: false,
  problems: ["B", "softmax"],
  methods: ["curvature", "snrOnly", "combined"],
  backends: ["wasm", "onnxruntime"],
  seeds: 1,
};

Deno.test("rows and their order are the same whatever the number of threads", async () => {
  await addBackendsOf(request.backends);
  const cells = cellsOf({ ...request, problems: ["B"], methods: ["curvature"] })
    .concat(cellsOf({ ...request, problems: ["softmax"], methods: ["snrOnly", "combined"] }));
  const expected = await localResults(request, surroundings, cells);
  assert.deepEqual(
    expected.rows.map(({ problem, backend, method }) => `${problem} ${backend} ${method}`),
    [
      "B javascript curvature",
      "softmax wasm snrOnly",
      "softmax wasm combined",
      "softmax onnxruntime snrOnly",
      "softmax onnxruntime combined",
    ],
  );
  const pool = poolLane(3, surroundings);
  const found = await resultsOf(request, pool, cells).finally(() => pool.close(false));
  assert.deepEqual(withoutSeconds(found), withoutSeconds(expected));
});

const cell = cellsOf({ ...request, problems: ["B"], methods: ["curvature"] })[0]!;
const job: Job = jobOf(cell, { learningRate: 0.1, seed: 1, tuning: false });

Deno.test("a pool says why a job did not run", async () => {
  const pool = poolLane(1, surroundings);
  await assert.rejects(
    pool.run({ ...job, settings: "0" }, () => {}),
    /Cannot run B · curvature · seed 1: .*its settings are 0, this code's are .*same commit/s,
  );
  await pool.close(false);
});

const moduleOf = (text: string): URL => new URL(`data:text/javascript,${encodeURIComponent(text)}`);

Deno.test("a job waits for a thread that takes long to come up", async () => {
  const late = moduleOf(`
    await new Promise((resolve) => setTimeout(resolve, 50));
    onmessage = ({ data }) => postMessage({ outcome: data.problem, seconds: 1 });
    postMessage("ready");
  `);
  const pool = poolLane(1, surroundings, { module: late });
  const { outcome, seconds } = await pool.run(job, () => {});
  assert.deepEqual([outcome, seconds], ["B", 1]);
  await pool.close(false);
});

Deno.test("a thread that does not come up is replaced, three times at most", async () => {
  const pool = poolLane(1, surroundings, {
    module: moduleOf("setInterval(() => {}, 1e6)"),
    patience: 0.05,
  });
  await assert.rejects(
    pool.run(job, () => {}),
    /^Error: Cannot run B · curvature · seed 1: 3 threads in a row did not come up within 0.05 s/,
  );
  await pool.close(false);
  const broken = poolLane(1, surroundings, { module: moduleOf("throw new Error('no library')") });
  await assert.rejects(broken.run(job, () => {}), /Cannot run B · .*no library/);
  await broken.close(false);
});

Deno.test("a job that is stopped ends its thread, and another one takes the next", async () => {
  const module = moduleOf(`
    onmessage = ({ data }) => {
      while (data.seed === 1);
      postMessage({ outcome: data.seed, seconds: 1 });
    };
    postMessage("ready");
  `);
  const pool = poolLane(1, surroundings, { module });
  const stop = new AbortController();
  const stopped = pool.run(job, () => {}, stop.signal);
  setTimeout(() => stop.abort(), 20);
  await assert.rejects(stopped, /Cannot run B · curvature · seed 1: it was stopped/);
  assert.equal((await pool.run({ ...job, seed: 2 }, () => {})).outcome as unknown, 2);
  await pool.close(false);
});

Deno.test("idOf() tells runs apart and has no colon, which a queue's names are made with", () => {
  const others: Partial<Job>[] = [
    {},
    { problem: "C" },
    { method: "sgd" },
    { backend: "wasm" },
    { batchSize: 2 },
    { learningRate: 0.2 },
    { seed: 2 },
    { tuning: true },
    { settings: "0" },
  ];
  const ids = others.map((other) => idOf({ ...job, ...other }));
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[\w.-]+$/);
  assert.equal(idOf(job), idOf(JSON.parse(JSON.stringify(job))));
});

Deno.test("cellOf() makes the cell of a job again", async () => {
  assert.equal((await cellOf(job)).settings, cell.settings);
  await assert.rejects(cellOf({ ...job, method: "none" }), /this code's are none/);
});
