// What PROTOCOL.md promises, of all problems and methods there are.
import assert from "node:assert/strict";
import { parse } from "./cli.ts";
import { methodNamed } from "./methods.ts";
import { multilayer } from "./problems/layers.ts";
import { type Data, networkProblem } from "./problems/network.ts";
import type { Selection } from "./problems/problem.ts";
import { random } from "./random.ts";
import { cellsOf, tuningSeed } from "./suite.ts";
import { choose, grid, score } from "./tuning.ts";

for (const full of [false, true]) {
  Deno.test(`tuned methods choose among as many rates, as far apart, ${full ? "full" : "quick"}`, () => {
    const cells = cellsOf({ full, backends: ["wasm"], seeds: full ? 5 : 3 });
    for (const { problem, method, grid: options, centre } of cells) {
      if (method.shipped) continue;
      const rates = grid(centre, options);
      const [network, theory] = full ? [9, 11] : [5, 7];
      assert.equal(rates.length, problem.kind === "network" ? network : theory);
      const apart = rates.slice(1).map((rate, i) => Math.log(rate / rates[i]!));
      for (const step of apart) assert.ok(Math.abs(step - apart[0]!) < 1e-12);
      // What differs between methods is the middle alone, and a problem moves all of them alike.
      assert.equal(centre, method.centre[problem.kind] * problem.rateScale);
    }
  });
}

Deno.test("every contest has its yardstick: the host's Adam, tuned, and as it comes", () => {
  for (const full of [false, true]) {
    const cells = cellsOf({ full, backends: ["wasm"], seeds: 5 });
    for (const { problem } of cells) {
      const taking = cells.filter((cell) => cell.problem === problem);
      const find = (name: string) => taking.find(({ method }) => method.name === name)?.method;
      assert.equal(find("adam")?.host, "adam");
      assert.ok(!find("adam")?.shipped);
      if (problem.kind === "network") assert.ok(find("adam-default")?.shipped);
    }
  }
});

Deno.test("seeds to report start after the tuning seed, five of them with --full", () => {
  assert.equal(tuningSeed, 0);
  assert.equal(parse(["--full"]).seeds, 5);
  assert.throws(() => parse(["--full", "--seeds", "4"]), /at least 5 seeds .* current value is 4/);
  assert.equal(parse(["--full", "--seeds", "6"]).seeds, 6);
});

const selections: readonly Selection[] = [
  "stepsToTarget",
  "finalTrainLoss",
  "bestValidation",
  "finalValidation",
];

/** A problem whose test data are as given. */
function withTest(test: (usual: Data["test"]) => Data["test"]) {
  const draw = random("fairness");
  const examples = (count: number) => ({
    count,
    features: 3,
    x: Float32Array.from({ length: 3 * count }, () => draw.normal()),
    y: Int32Array.from({ length: count }, () => draw.integer(2)),
  });
  const [train, validation, usual] = [examples(20), examples(10), examples(10)];
  return networkProblem({
    ...{
      name: "small",
      title: "",
      about: "",
      noisyData: true,
      network: multilayer([3, 1], "binary"),
    },
    ...{ batchSize: 4, steps: 12, every: 4, rateScale: 1, schedule: "linear", selections },
    target: { metric: "trainLoss", value: 0.7 },
    data: () => ({ train, probe: train, validation, test: test(usual) }),
  });
}

Deno.test("test data that are garbage change no choice", async () => {
  const rates = grid(0.5, { count: 5, ratio: 3 });
  const choices = async (problem: ReturnType<typeof withTest>) => {
    const found: unknown[] = [];
    for (const selection of selections) {
      const scores: number[] = [];
      for (const learningRate of rates) {
        const outcome = await problem.run({
          method: methodNamed("adam"),
          ...{ learningRate, seed: tuningSeed, backend: "cpu", tuning: true },
          breathe: () => Promise.resolve(),
        });
        for (const { testLoss } of outcome.curve) assert.equal(testLoss, undefined);
        scores.push(score(outcome, selection, { steps: 12, target: 0.7 }));
      }
      assert.ok(new Set(scores).size > 1);
      found.push(selection, choose(scores), scores);
    }
    return found;
  };
  const usual = await choices(withTest((test) => test));
  const garbage = await choices(withTest((test) => ({ ...test, x: test.x.map(() => NaN) })));
  assert.deepEqual(garbage, usual);
});
