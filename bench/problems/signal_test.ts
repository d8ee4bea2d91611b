import assert from "node:assert/strict";
import { methodNamed } from "../methods.ts";
import { columns } from "../rows.ts";
import { examplesOf } from "./_testing.ts";
import { multilayer } from "./layers.ts";
import { networkProblem } from "./network.ts";
import { addOnnxBackends } from "./onnx_learner.ts";
import type { Outcome, Problem } from "./problem.ts";
import { watchSignals } from "./signal.ts";

addOnnxBackends();

const network = multilayer([20, 12, 4]);
const data = () => ({
  train: examplesOf(network, 0),
  probe: examplesOf(network, 1),
  test: examplesOf(network, 2),
});
const problem = (watched: boolean): Problem =>
  networkProblem({
    ...{
      name: "small",
      title: "",
      about: "",
      noisyData: false,
      batchSize: 4,
      steps: 25,
      every: 10,
    },
    ...{ selections: ["finalTrainLoss"], rateScale: 1, schedule: "constant", network, data },
    target: { metric: "trainLoss", value: 0 },
    watched,
  });
const run = (
  backend: string,
  method: string,
  { watched = true, seed = 1, tuning = false } = {},
): Promise<Outcome> =>
  problem(watched).run({
    ...{ backend, method: methodNamed(method), learningRate: 0.05, seed, tuning },
    breathe: () => Promise.resolve(),
  });
const losses = ({ curve }: Outcome) =>
  curve.map(({ step, trainLoss, testLoss }) => [step, trainLoss, testLoss]);

for (const backend of ["wasm", "onnxruntime"]) {
  Deno.test(`a run that is watched takes the same path on ${backend}, and knows T`, async () => {
    const watched = await run(backend, "snrOnly");
    assert.deepEqual(losses(watched), losses(await run(backend, "snrOnly", { watched: false })));
    const { step, layers } = columns(watched).signal!;
    // Biases are no layers; step 25 is none of every tenth.
    assert.deepEqual([step, Object.keys(layers)], [[10, 20], ["kernel0", "kernel1"]]);
    for (const { fraction, p10, p50, p90 } of Object.values(layers)) {
      step.forEach((_, i) => {
        assert.ok(0 <= p10[i]! && p10[i]! <= p50[i]! && p50[i]! <= p90[i]! && p90[i]! <= 1);
        assert.ok(0 <= fraction[i]! && fraction[i]! < 1);
      });
    }
    // The settings say nothing of it: rows from before compare.
    assert.deepEqual(problem(true).details, problem(false).details);
  });
}

Deno.test("T of the layers is the same on tfjs and ONNX Runtime", async () => {
  const [ours, theirs] = await Promise.all(["wasm", "onnxruntime"].map((b) => run(b, "snrOnly")));
  const [expected, actual] = [ours!, theirs!].map((outcome) => columns(outcome).signal!.layers);
  for (const [name, { fraction }] of Object.entries(expected!)) {
    fraction.forEach((t, i) => {
      assert.ok(Math.abs(actual![name]!.fraction[i]! - t) < 0.01, `${name}: ${t}`);
    });
  }
});

Deno.test("only the first reporting run is watched, and only what estimates T has any", async () => {
  const without = await Promise.all([
    run("wasm", "snrOnly", { seed: 2 }),
    run("wasm", "snrOnly", { tuning: true }),
    run("wasm", "adam"),
    run("wasm", "precond-adam"),
    run("onnxruntime", "adam"),
  ]);
  assert.deepEqual(without.map((outcome) => columns(outcome).signal), Array(5).fill(undefined));
});

Deno.test("what fails in a report is thrown where it is waited for", async () => {
  const watch = watchSignals(
    {
      telemetry({ onError }) {
        onError!(new Error("lost device"));
        return () => {};
      },
    },
    10,
    [],
  );
  assert.equal(await watch.at(5), undefined);
  await assert.rejects(watch.at(10), /^Error: lost device$/);
});
