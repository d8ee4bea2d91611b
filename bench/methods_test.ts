import assert from "node:assert/strict";
import { type Method, methodNamed, methods } from "./methods.ts";
import { warmed } from "./methods/ours.ts";
import type { Examples } from "./problems/digits.ts";
import { multilayer } from "./problems/layers.ts";
import { createLearner } from "./problems/learner.ts";
import { addOnnxBackends } from "./problems/onnx_learner.ts";
import { random } from "./random.ts";

addOnnxBackends();

function batch(step: number): Examples {
  const draw = random("methods test", step);
  return {
    count: 8,
    features: 6,
    x: Float32Array.from({ length: 48 }, () => draw.normal()),
    y: Int32Array.from({ length: 8 }, () => draw.integer(3)),
  };
}

/** Losses of a small network before and after each step, the rate falling to 0. */
async function losses(
  backend: string,
  method: Method,
  { steps = 6, rate = method.centre.network } = {},
): Promise<number[]> {
  const learner = await createLearner(backend, {
    network: multilayer([6, 5, 3]),
    method,
    schedule: (n) => rate * (1 - n / steps),
    seed: 3,
    batchSize: 8,
  });
  const probe = learner.upload(batch(-1));
  const seen = [(await learner.evaluate(probe)).loss];
  for (let step = 0; step < steps; step++) {
    const part = learner.upload(batch(step));
    await learner.step(part, step);
    learner.drop(part);
    seen.push((await learner.evaluate(probe)).loss);
  }
  learner.drop(probe);
  await learner.dispose();
  return seen;
}

/** Hosts draw samples of curvature from streams of their own. */
const samples = (method: Method) => method.definition(1, "network").curvature !== undefined;

for (const method of methods.filter(({ settings }) => settings.includes("network"))) {
  const name = samples(method)
    ? `${method.name} trains on tfjs and on ONNX Runtime`
    : `${method.name} takes the same path on tfjs and on ONNX Runtime`;
  Deno.test(name, async () => {
    // Some stand still until the third sample, on step 21.
    const steps = samples(method) ? 22 : 6;
    const here = await losses("wasm", method, { steps });
    const there = await losses("onnxruntime", method, { steps });
    assert.equal(here[0]!.toFixed(5), there[0]!.toFixed(5));
    assert.notEqual(here.at(-1), here[0]);
    assert.notEqual(there.at(-1), there[0]);
    here.forEach((loss, step) => {
      assert.ok(Number.isFinite(loss) && Number.isFinite(there[step]!));
      if (!samples(method)) assert.ok(Math.abs(loss - there[step]!) < 1e-4, `${here} ${there}`);
    });
  });
}

Deno.test("what is shipped runs at its own rate, whatever the grid says", async () => {
  for (const method of methods.filter(({ shipped }) => shipped)) {
    assert.deepEqual(await losses("wasm", method, { rate: 1 }), await losses("wasm", method));
  }
});

Deno.test("warmed() has the warm-up that an alias gives a number", () => {
  const rate = warmed(() => 2);
  if (typeof rate === "number") throw new TypeError("Expected a schedule");
  assert.deepEqual([0, 4, 9, 10, 1000].map(rate), [0.2, 1, 2, 2, 2]);
  assert.equal(warmed(0.1), 0.1);
});

Deno.test("methods have names of their own, and methodNamed() finds them", () => {
  assert.equal(new Set(methods.map(({ name }) => name)).size, methods.length);
  assert.equal(methodNamed("adam").host, "adam");
  assert.throws(() => methodNamed("nope"), /Cannot find method "nope"/);
});

Deno.test("the host's methods without options have the rates of its own names", async () => {
  const { sequential, layers } = await import("@tensorflow/tfjs-layers");
  for (const name of ["adam", "rmsprop", "sgd"] as const) {
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
    model.compile({ optimizer: name, loss: "meanSquaredError" });
    const { learningRate } = model.optimizer as unknown as { learningRate: number };
    assert.equal(methodNamed(`${name}-default`).centre.network, learningRate);
    model.dispose();
  }
});
