import assert from "node:assert/strict";
import { methodNamed } from "./methods.ts";
import type { Outcome, Problem, Task } from "./problems/problem.ts";
import { hereLane } from "./jobs/here.ts";
import { schedule } from "./jobs/schedule.ts";
import { planOf, runsOf, sensitivityOf } from "./protocol.ts";
import { measuredRow, sensitivityRow } from "./_testing.ts";
import { allProblems } from "./problems/mod.ts";
import { type Results, schemaVersion } from "./rows.ts";
import { type Cell, cellsOf, fingerprint } from "./suite.ts";
import { groupsOf } from "./summary.ts";

/** Loss (log₂ rate)² + seed/100: the best rate is 1; remembers what it was asked to run. */
function parabola(asked: Task[], more: Partial<Problem> = {}): Problem {
  return {
    name: "parabola",
    title: "",
    about: "",
    kind: "network",
    set: "standard",
    noisyData: false,
    batchSize: 2,
    steps: 1,
    target: { metric: "trainLoss", value: 0.5 },
    selections: ["finalTrainLoss"],
    rateScale: 1,
    seconds: 1,
    details: {},
    accepts: () => true,
    run(task): Promise<Outcome> {
      asked.push(task);
      const trainLoss = Math.log2(task.learningRate) ** 2 + task.seed / 100;
      return Promise.resolve({
        curve: [{ step: 1, trainLoss, testLoss: -trainLoss, validationLoss: trainLoss }],
        stepsToTarget: null,
        examplesToTarget: null,
        secondsToTarget: null,
        diverged: false,
      });
    },
    ...more,
  };
}

function cell(problem: Problem, more: Partial<Cell> = {}): Cell {
  return {
    suite: { full: false },
    problem,
    method: methodNamed("sgd"),
    backend: "none",
    grid: { count: 5, ratio: 2 },
    centre: 1,
    settings: "a",
    ...more,
  };
}

const surroundings = {
  device: { cpu: "", cores: 1, os: "" },
  versions: { precond: "", tfjs: "", deno: "" },
  commit: null,
  dirty: false,
  workers: 1,
};
const empty = (): Results => ({ schemaVersion, command: "", rows: [], sensitivity: [] });

/** Runs all of a cell here. */
async function runCell(
  cell: Cell,
  results: Results,
  seeds: number,
  { finished = () => {}, breathe = () => Promise.resolve() }: {
    finished?: (cell: Cell, runs: number) => void;
    breathe?: () => Promise<void>;
  } = {},
): Promise<void> {
  const lane = hereLane([{ cell }], { surroundings, breathe });
  const listener = { starting() {}, finished, changed() {} };
  await schedule([planOf(cell, results, { seeds, finished })], [lane], listener);
}

Deno.test("a plan tunes on seed 0 and reports the seeds after it", async () => {
  const asked: Task[] = [];
  const results = empty();
  await runCell(cell(parabola(asked)), results, 3);
  assert.deepEqual(asked.map(({ seed }) => seed), [0, 0, 0, 0, 0, 1, 2, 3]);
  assert.deepEqual(asked.map(({ tuning }) => tuning).lastIndexOf(true), 4);
  assert.deepEqual(results.rows.map((row) => [row.seed, row.learningRate]), [[1, 1], [2, 1], [
    3,
    1,
  ]]);
  assert.deepEqual(results.sensitivity[0]!.scores, [4, 1, 0, 1, 4]);
  const [{ edge, batchSize }] = results.sensitivity as [Results["sensitivity"][number]];
  assert.deepEqual([edge, batchSize], [null, 2]);
});

Deno.test("a plan says when the best rate is the last of its grid", async () => {
  const results = empty();
  await runCell(cell(parabola([]), { centre: 16 }), results, 1);
  assert.equal(results.sensitivity[0]!.edge, "low");
  assert.equal(results.rows[0]!.learningRate, 4);
});

Deno.test("a plan does not run rows again, and fills in what is missing", async () => {
  const asked: Task[] = [];
  const results = empty();
  await runCell(cell(parabola(asked)), results, 2);
  asked.length = 0;
  await runCell(cell(parabola(asked)), results, 2);
  assert.equal(asked.length, 0);
  await runCell(cell(parabola(asked)), results, 3);
  assert.deepEqual(asked.map(({ seed, tuning }) => [seed, tuning]), [[3, false]]);
  assert.deepEqual(results.rows.map(({ seed }) => seed), [1, 2, 3]);
});

Deno.test("a plan runs everything again under other settings", async () => {
  const asked: Task[] = [];
  const results = empty();
  await runCell(cell(parabola(asked)), results, 1);
  asked.length = 0;
  await runCell(cell(parabola(asked), { settings: "b" }), results, 1);
  assert.equal(asked.length, 6);
});

Deno.test("a plan shares runs between selections that agree on the rate", async () => {
  const asked: Task[] = [];
  const results = empty();
  const problem = parabola(asked, { selections: ["bestValidation", "finalValidation"] });
  await runCell(cell(problem), results, 2);
  assert.equal(asked.length, 5 + 2);
  assert.equal(results.rows.length, 4);
});

Deno.test("a plan accounts for every run it promised", async () => {
  let runs = 0;
  const finished = (_: Cell, n: number) => void (runs += n);
  for (const selections of [["finalTrainLoss"], ["bestValidation", "finalValidation"]] as const) {
    const plain = cell(parabola([], { selections }));
    for (const one of [plain, { ...plain, method: { ...plain.method, shipped: true } }]) {
      const results = empty();
      for (let again = 0; again < 2; again++) {
        runs = 0;
        await runCell(one, results, 3, { finished });
        assert.equal(runs, runsOf(one, 3));
      }
    }
  }
});

Deno.test("a plan keeps what it has when it is interrupted", async () => {
  const results = empty();
  let breaths = 0;
  const breathe = () => ++breaths > 7 ? Promise.reject(new Error("stop")) : Promise.resolve();
  await assert.rejects(runCell(cell(parabola([])), results, 3, { breathe }));
  assert.deepEqual(results.rows.map(({ seed }) => seed), [1, 2]);
  assert.equal(results.sensitivity.length, 1);
});

Deno.test("sensitivityOf() has no rate if every run diverged", () => {
  const { learningRate, scores, within2x } = sensitivityOf([1, 2], [Infinity, Infinity]);
  assert.deepEqual([learningRate, scores, within2x], [null, [null, null], null]);
});

for (const full of [false, true]) {
  Deno.test(`every method of a problem has the same budget, ${full ? "full" : "quick"}`, () => {
    const cells = cellsOf({ full, backends: ["cpu", "wasm"], seeds: 3 });
    for (const one of cells) {
      const others = cells.filter((c) => c.problem === one.problem);
      assert.ok(others.length > 1);
      for (const other of others) assert.deepEqual(other.grid, one.grid);
      const scale = one.method.shipped ? 1 : one.problem.rateScale;
      assert.equal(one.centre, one.method.centre[one.problem.kind] * scale);
    }
    // Settings tell apart whatever may differ.
    const keys = cells.map((c) => `${c.problem.name} ${c.method.name}`);
    assert.equal(new Set(cells.map((c) => c.settings)).size, new Set(keys).size);
  });
}

Deno.test("cellsOf() runs networks at every batch size on as many examples", () => {
  const asked = { full: false, backends: ["wasm"], seeds: 1, problems: ["A", "mlp"] };
  const [own] = cellsOf({ ...asked, problems: ["mlp"], methods: ["adam"] });
  const cells = cellsOf({ ...asked, methods: ["adam"], batchSizes: [1, 16, 64, 1000] });
  assert.deepEqual(
    cells.map(({ problem: { name, batchSize, steps } }) => [name, batchSize, steps]),
    [["A", 1, 400], ["mlp", 1, 1280], ["mlp", 16, 80], ["mlp", 64, 20]],
  );
  assert.equal(cells[2]!.settings, own!.settings);
  assert.equal(new Set(cells.map(({ settings }) => settings)).size, cells.length);
  // √(64/16)
  assert.equal(cells[3]!.centre, 2 * own!.centre);
});

Deno.test("groupsOf() keeps batch sizes apart", () => {
  const row = (batchSize: number, settings: string) =>
    measuredRow({ problem: "mlp", method: "adam", batchSize, settings });
  const tuned = (settings: string, learningRate: number) =>
    sensitivityRow({ problem: "mlp", method: "adam", settings, learningRate });
  const groups = groupsOf({
    rows: [row(64, "b"), row(16, "a")],
    sensitivity: [tuned("b", 2), tuned("a", 1)],
  }, allProblems(false));
  assert.deepEqual(
    groups.map(({ problem, summaries }) => [
      problem.batchSize,
      summaries.map((s) => [s.rows.map((r) => r.settings), s.sensitivity?.learningRate]),
    ]),
    [[16, [[["a"], 1]]], [64, [[["b"], 2]]]],
  );
});

Deno.test("fingerprint() is FNV-1a", () => {
  // JSON of "" is two quotes: 0x22 0x22.
  let hash = 0x811c9dc5n;
  for (const byte of [0x22n, 0x22n]) hash = (hash ^ byte) * 0x01000193n & 0xffffffffn;
  assert.equal(fingerprint(""), hash.toString(16).padStart(8, "0"));
});
