import assert from "node:assert/strict";
import { allProblems } from "./problems/mod.ts";
import type { Outcome, Point } from "./problems/problem.ts";
import { fixedTarget, fixedTargets, withTarget } from "./problems/targets.ts";
import { tuningSeed } from "./suite.ts";
import { fixTarget, targetFrom } from "./targets.ts";

const curve = (points: Partial<Point>[]): Pick<Outcome, "curve"> => ({
  curve: points.map((point, i) => ({ step: 10 * i, trainLoss: 1, ...point })),
});

for (const full of [false, true]) {
  Deno.test(`every network has a target that was fixed in advance, ${full ? "full" : "quick"}`, () => {
    for (const { name: problem, kind, batchSize, steps, target } of allProblems(full)) {
      if (kind !== "network") continue;
      const fixed = fixedTarget({ problem, batchSize, steps });
      assert.ok(
        fixed,
        `"${problem}" has no target for ${steps} steps of ${batchSize}: ` +
          `deno run -A bench/targets.ts --problem ${problem}`,
      );
      assert.deepEqual(target, { metric: fixed.metric, value: fixed.value });
      assert.ok(fixed.value > 0 && Number.isFinite(fixed.value));
      assert.deepEqual([fixed.from.method, fixed.from.seed], ["adam", tuningSeed]);
      assert.ok(fixed.metric !== "testLoss");
    }
  });
}

Deno.test("every target has a problem, once", () => {
  const keys = fixedTargets.map(({ problem, batchSize, steps }) =>
    [problem, batchSize, steps].join()
  );
  assert.equal(new Set(keys).size, keys.length);
  const known = [false, true].flatMap((full) => allProblems(full));
  for (const { problem, steps, batchSize } of fixedTargets) {
    assert.ok(
      known.some((p) => p.name === problem && p.steps === steps && p.batchSize === batchSize),
      `no problem "${problem}" has ${steps} steps of ${batchSize}: take its target out`,
    );
  }
});

Deno.test("targetFrom() takes the lowest training loss of the first half", () => {
  // Steps 0, 10, 20, 30, 40: those up to 20.
  const losses = [2, 1, 0.5, 0.75, 0.25].map((trainLoss) => ({ trainLoss }));
  assert.equal(targetFrom(curve(losses), "trainLoss").value, 0.5);
});

Deno.test("targetFrom() asks for eight tenths of the way down to the lowest validation loss", () => {
  const losses = [3, 1, 1.5].map((validationLoss) => ({ validationLoss }));
  const { value } = targetFrom(curve(losses), "validationLoss");
  // 3 − .8 · 2
  assert.ok(Math.abs(value - 1.4) < 1e-12);
  assert.throws(() => targetFrom(curve([{}]), "validationLoss"), /has no validationLoss/);
});

Deno.test("fixTarget() runs the host's Adam on the tuning seed, without test data", async () => {
  const softmax = allProblems(false).find(({ name }) => name === "softmax")!;
  const asked: string[] = [];
  const problem: typeof softmax = {
    ...softmax,
    run({ method, seed, tuning, learningRate }) {
      asked.push([method.name, seed, tuning].join());
      // The lower rates are the better ones.
      const trainLoss = learningRate;
      return Promise.resolve({
        ...curve([{ trainLoss: 2 }, { trainLoss }]),
        ...{ stepsToTarget: null, examplesToTarget: null, secondsToTarget: null, diverged: false },
      });
    },
  };
  const { value, from } = await fixTarget(problem, { full: false, backend: "cpu" });
  assert.deepEqual(asked, Array(5).fill("adam,0,true"));
  // .004 · 2 in the middle of five rates, 3× apart; its last step is beyond the half, the first one is not.
  assert.deepEqual([from?.learningRate, value], [Number((0.008 / 9).toPrecision(6)), 2]);
});

Deno.test("a target is of validation data where they choose rates, whatever it was before", async () => {
  const tables = allProblems(false).find(({ name }) => name === "tabular-regression")!;
  const problem: typeof tables = {
    ...tables,
    target: { metric: "testLoss", value: 1 },
    run: () =>
      Promise.resolve({
        ...curve([{ validationLoss: 2 }, { validationLoss: 1 }]),
        ...{ stepsToTarget: null, examplesToTarget: null, secondsToTarget: null, diverged: false },
      }),
  };
  const { metric, value } = await fixTarget(problem, { full: false, backend: "cpu" });
  // 2 − .8 · 1
  assert.deepEqual([metric, value], ["validationLoss", 1.2]);
});

Deno.test("a problem without a target does not run, except for tuning", async () => {
  const options = { name: "new", batchSize: 4, steps: 7, selections: ["finalTrainLoss"] } as const;
  assert.ok(Number.isNaN(withTarget(options).target.value));
  const { networkProblem } = await import("./problems/network.ts");
  const { methodNamed } = await import("./methods.ts");
  const { multilayer } = await import("./problems/layers.ts");
  const problem = networkProblem({
    ...options,
    ...{ title: "", about: "", noisyData: false, network: multilayer([2, 1], "binary"), every: 1 },
    ...{ rateScale: 1, schedule: "constant" },
    data: () => assert.fail("ran"),
  });
  const breathe = () => Promise.resolve();
  const task = { method: methodNamed("adam"), learningRate: 1, seed: 1, backend: "cpu", breathe };
  await assert.rejects(
    async () => await problem.run({ ...task, tuning: false }),
    /Cannot run "new": no target is fixed .* bench\/targets\.ts --problem new/,
  );
});
