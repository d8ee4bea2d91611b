import assert from "node:assert/strict";
import { addBackendsOf } from "../backends.ts";
import type { Surroundings } from "../device.ts";
import { planOf } from "../protocol.ts";
import { type Results, schemaVersion } from "../rows.ts";
import { cellsOf, type Request, sort } from "../suite.ts";
import { hereLane } from "./here.ts";
import { cellOf, idOf, type Job, jobOf } from "./job.ts";
import type { Lane } from "./lane.ts";
import { poolLane } from "./pool.ts";
import { schedule } from "./schedule.ts";

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

async function rowsOf(lane: Lane): Promise<unknown> {
  const results: Results = { schemaVersion, command: "", rows: [], sensitivity: [] };
  const listener = { starting() {}, finished() {}, changed() {} };
  const cells = cellsOf({ ...request, problems: ["B"], methods: ["curvature"] })
    .concat(cellsOf({ ...request, problems: ["softmax"], methods: ["snrOnly", "combined"] }));
  try {
    await schedule(cells.map((cell) => planOf(cell, results, { ...request, ...listener })), [
      lane,
    ], listener);
  } finally {
    await lane.close(false);
  }
  sort(results, request);
  return {
    ...results,
    rows: results.rows.map((row) => ({ ...row, secondsToTarget: row.secondsToTarget !== null })),
  };
}

Deno.test("rows and their order are the same whatever the number of threads", async () => {
  await addBackendsOf(request.backends);
  const breathe = () => Promise.resolve();
  const here = hereLane(cellsOf(request).map((cell) => ({ cell })), { surroundings, breathe });
  const expected = await rowsOf(here) as Results;
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
  assert.deepEqual(await rowsOf(poolLane(3, surroundings)), expected);
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
