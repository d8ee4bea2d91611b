import assert from "node:assert/strict";
import { keysOf } from "../_testing.ts";
import { methodNamed } from "../methods.ts";
import { random } from "../random.ts";
import { federated, federatedData } from "./federated.ts";
import { multilayer } from "./layers.ts";
import { networkProblem } from "./network.ts";
import { addOnnxBackends } from "./onnx_learner.ts";
import type { Task } from "./problem.ts";

Deno.test("federatedData() gives two or three digits to each client, every digit to one or two", () => {
  const { clients, probe, validation, test } = federatedData(1, true);
  const classes = clients.map(({ y }) => [...new Set(y)]);
  assert.deepEqual(classes.map(({ length }) => length), [3, 2, 3, 2, 3, 2, 3, 2]);
  assert.deepEqual(classes.flat().sort(), Array.from({ length: 20 }, (_, i) => i >> 1));
  for (const { y } of clients) {
    for (const label of new Set(y)) {
      const count = y.filter((other) => other === label).length;
      assert.ok(count >= 20 && count <= 80, `${count}`);
    }
  }
  const all = clients.reduce((sum, { count }) => sum + count, 0);
  const seen = new Set([...clients, validation!].flatMap(keysOf));
  assert.deepEqual([seen.size, probe.count, test.count], [all + 300, all, 2000]);
  const four = federatedData(1, false).clients.flatMap(({ y }) => [...new Set(y)]);
  assert.deepEqual(four.sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

/** Two clients with some noise to learn. */
const draw = random("federated test");
const part = (count: number) => ({
  count,
  features: 5,
  x: Float32Array.from({ length: 5 * count }, () => draw.normal()),
  y: Int32Array.from({ length: count }, () => draw.integer(3)),
});
const parts = [part(20), part(12)] as const;
const shared = {
  name: "small",
  title: "",
  about: "",
  noisyData: false,
  network: multilayer([5, 4, 3]),
  batchSize: 4,
  target: { metric: "trainLoss", value: 0 },
  selections: ["finalTrainLoss"],
  rateScale: 1,
  schedule: "linear",
} as const;
const observed = { probe: parts[0], test: parts[1] };
const task = (method: string, backend = "wasm"): Task => ({
  method: methodNamed(method),
  learningRate: 0.05,
  seed: 1,
  backend,
  tuning: false,
  breathe: () => Promise.resolve(),
});

addOnnxBackends();
for (const backend of ["wasm", "onnxruntime"]) {
  for (const method of ["adam", "combined"]) {
    Deno.test(`one client with ${method} is plain training on ${backend}`, async () => {
      const plain = await networkProblem({
        ...shared,
        steps: 12,
        every: 3,
        data: () => ({ train: parts[0], ...observed }),
      }).run(task(method, backend));
      const averaged = await federated({
        ...shared,
        steps: 4,
        every: 1,
        localSteps: 3,
        data: () => ({ clients: [parts[0]], ...observed }),
      }).run(task(method, backend));
      const losses = ({ curve }: typeof plain) => curve.map(({ trainLoss }) => trainLoss);
      assert.deepEqual(losses(averaged), losses(plain));
    });
  }
}

for (const method of ["sgd", "snrOnly", "combined"]) {
  Deno.test(`two clients with ${method} take the same path on tfjs and ONNX Runtime`, async () => {
    const problem = federated({
      ...shared,
      steps: 4,
      every: 1,
      localSteps: 5,
      data: () => ({ clients: parts, ...observed }),
    });
    const [expected, actual] = [
      await problem.run(task(method)),
      await problem.run(task(method, "onnxruntime")),
    ];
    expected.curve.forEach(({ trainLoss, testLoss }, k) => {
      const other = actual.curve[k]!;
      assert.ok(Math.abs(other.trainLoss - trainLoss) < 1e-3 * trainLoss, `${k}: ${trainLoss}`);
      assert.ok(Math.abs(other.testLoss! - testLoss!) < 1e-3 * testLoss!, `${k}: ${testLoss}`);
    });
    assert.notEqual(expected.curve[0]!.trainLoss, expected.curve.at(-1)!.trainLoss);
  });
}

Deno.test("a round of SGD from the same weights is averaged by examples", async () => {
  // One full batch a client: the mean gradient, each example counted once, is that of plain training.
  const both = {
    count: 32,
    features: 5,
    x: Float32Array.of(...parts[0].x, ...parts[1].x),
    y: Int32Array.of(...parts[0].y, ...parts[1].y),
  };
  const full = { ...shared, steps: 1, every: 1, schedule: "constant" } as const;
  // Batches of the least common multiple hold every example of a client equally often.
  const averaged = await federated({
    ...full,
    batchSize: 60,
    localSteps: 1,
    data: () => ({ clients: parts, ...observed }),
  }).run(task("sgd"));
  const plain = await networkProblem({
    ...full,
    batchSize: 32,
    data: () => ({ train: both, ...observed }),
  }).run(task("sgd"));
  const [a, b] = [averaged, plain].map(({ curve }) => curve.at(-1)!.trainLoss);
  assert.ok(Math.abs(a! - b!) < 1e-6, `${a} ${b}`);
  assert.deepEqual(averaged.curve[0], plain.curve[0]);
});
