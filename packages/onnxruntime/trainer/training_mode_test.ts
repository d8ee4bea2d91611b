// Dropout and batch normalization at work: `training: true`.
import {
  adamW,
  chain,
  hutchinson,
  inverseCurvature,
  learningRate,
  scaleBy,
  sgd,
} from "@precond/core";
import { buildModel, type ModelProto } from "@precond/onnx";
import { assertAllClose, random } from "@precond/testing";
import assert from "node:assert/strict";
import { nodeOrt } from "../scenarios/builds.ts";
import type { Feeds, Ort } from "../hosts/ort.ts";
import { Trainer } from "./trainer.ts";
import type { TrainerOptions } from "./options.ts";

/** Two dense layers with dropout of a half between them. */
function dropoutModel(): ModelProto {
  const m = buildModel();
  const { normal } = random(3);
  const draw = (name: string, dims: number[]) =>
    m.parameter(name, dims, Float32Array.from({ length: dims[0]! * dims[1]! }, () => normal() / 3));
  const hidden = m.op("Tanh", [m.op("MatMul", [m.input("x", ["N", 6]), draw("w1", [6, 32])])]);
  m.node("Dropout", [hidden, m.parameter("ratio", [], Float32Array.of(0.5))], ["dropped"]);
  m.output(m.op("MatMul", ["dropped", draw("w2", [32, 3])], {}, "y"));
  return m.build();
}

function feeds(step: number): Feeds {
  const { normal } = random(step + 40);
  const draw = (dims: number[]) => ({
    data: Float32Array.from({ length: dims[0]! * dims[1]! }, normal),
    dims,
  });
  return { x: draw([16, 6]), labels: draw([16, 3]) };
}

const open = (model: ModelProto, options: TrainerOptions, ort: Ort = nodeOrt) =>
  Trainer.create(ort, { model, loss: { type: "mse" } }, { training: true, ...options });

async function losses(trainer: Trainer, from: number, to: number): Promise<number[]> {
  const seen: number[] = [];
  for (let step = from; step < to; step++) seen.push((await trainer.step(feeds(step))).loss);
  return seen;
}

Deno.test("Dropout draws new masks from the seed, and evaluation has none", async () => {
  const still = { optimizer: sgd({ learningRate: 0 }), trainable: ["w1", "w2"] };
  const model = dropoutModel();
  const [a, same, other] = [
    await open(model, { ...still, seed: 1 }),
    await open(model, { ...still, seed: 1 }),
    await open(model, { ...still, seed: 2 }),
  ];
  const run = async (trainer: Trainer) => {
    const seen: number[] = [];
    for (let k = 0; k < 200; k++) seen.push((await trainer.step(feeds(0))).loss);
    return seen;
  };
  const [seen, again, different] = [await run(a), await run(same), await run(other)];
  assert.deepEqual(again, seen);
  assert.notDeepEqual(different, seen);
  assert.ok(new Set(seen).size > 190, "masks are drawn anew");
  // Of one linear layer behind a mask of a half: E loss = loss without + mean over outputs of the
  // variance Σ_j (h_j w_jk)², as Var(2·Bernoulli(½)) = 1.
  const plain = await a.evaluate(feeds(0));
  assert.deepEqual(await a.evaluate(feeds(0)), plain);
  const [w1, w2] = [await a.parameter("w1"), await a.parameter("w2")];
  const x = feeds(0)["x"]!.data as Float32Array;
  let variance = 0;
  for (let n = 0; n < 16; n++) {
    for (let j = 0; j < 32; j++) {
      let z = 0;
      for (let i = 0; i < 6; i++) z += x[n * 6 + i]! * w1[i * 32 + j]!;
      for (let k = 0; k < 3; k++) variance += (Math.tanh(z) * w2[j * 3 + k]!) ** 2 / 48;
    }
  }
  const mean = seen.reduce((s, v) => s + v) / seen.length;
  const deviation = Math.sqrt(seen.reduce((s, v) => s + (v - mean) ** 2, 0) / seen.length);
  const error = Math.abs(mean - plain.loss - variance);
  assert.ok(error < 4 * deviation / Math.sqrt(seen.length), `off by ${error}`);
  for (const t of [a, same, other]) await t.release();
});

Deno.test("save(), load() and k steps are k steps with dropout, too", async () => {
  const web = await import("onnxruntime-web") as unknown as Ort;
  for (const ort of [nodeOrt, web]) {
    const options = { optimizer: adamW({ learningRate: 0.01 }), trainable: ["w1", "w2"] };
    const a = await open(dropoutModel(), { ...options, seed: 7 }, ort);
    const b = await open(dropoutModel(), { ...options, seed: 8 }, ort);
    await losses(a, 0, 5);
    const saved = await a.save();
    const expected = await losses(a, 5, 10);
    await losses(b, 0, 3);
    b.load(saved);
    assert.deepEqual(await losses(b, 5, 10), expected);
    assert.deepEqual(await b.save(), await a.save());
    await a.release();
    await b.release();
  }
});

Deno.test("Finite differences see one mask of dropout from both sides", async () => {
  // Loss mean (x̃ w)² with x̃ = 0 or 2: H = 8 × the share that is kept. Of two masks the difference
  // of the gradients, over 2ε, would be some hundreds.
  const m = buildModel();
  m.node(
    "Dropout",
    [m.input("x", ["N", 1]), m.parameter("ratio", [], Float32Array.of(0.5))],
    ["dropped"],
  );
  m.output(m.op("MatMul", ["dropped", m.parameter("w", [1, 1], Float32Array.of(1))], {}, "y"));
  const optimizer = chain(
    scaleBy(inverseCurvature(hutchinson({ every: 1 }), { decay: 0, damping: 0 })),
    learningRate(1e-2),
  );
  const trainer = await open(m.build(), {
    optimizer,
    trainable: ["w"],
    hutchinson: "finiteDifferences",
  });
  const batch = {
    x: { data: new Float32Array(64).fill(1), dims: [64, 1] },
    labels: { data: new Float32Array(64), dims: [64, 1] },
  };
  for (let step = 0; step < 10; step++) {
    const [before] = await trainer.parameter("w");
    await trainer.step(batch);
    const [after] = await trainer.parameter("w");
    const [gradient] = await trainer.gradient("w");
    const curvature = 1e-2 * gradient! / (before! - after!);
    // 64 coins: 32 ± 5 standard deviations of 4; differences of float32 gradients over 2e-3.
    assert.ok(Math.abs(curvature - 4) < 8 * 20 / 64 + 0.1, `curvature is ${curvature}`);
  }
  await trainer.release();
});

Deno.test("Finite differences leave running statistics to the step", async () => {
  const build = () => {
    const m = buildModel();
    const one = () => Float32Array.of(1, 1);
    const w = m.parameter("w", [2, 2], Float32Array.of(1, 2, -1, 0.5));
    const y = m.op("BatchNormalization", [
      m.op("MatMul", [m.input("x", ["N", 2]), w]),
      m.parameter("scale", [2], one()),
      m.parameter("bias", [2], new Float32Array(2)),
      m.parameter("mean", [2], new Float32Array(2)),
      m.parameter("variance", [2], one()),
    ]);
    m.output(m.op("Identity", [y], {}, "y"));
    return m.build();
  };
  const batch = {
    x: { data: Float32Array.of(1, 2, 3, 6, -1, 0), dims: [3, 2] },
    labels: { data: new Float32Array(6), dims: [3, 2] },
  };
  const curvature = inverseCurvature(hutchinson({ every: 1 }), { damping: 1 });
  // A step of 1 moves the points of the differences far away.
  const options = { hutchinson: "finiteDifferences", differenceStep: 1 } as const;
  const sampled = await open(build(), {
    ...options,
    optimizer: chain(scaleBy(curvature), learningRate(0)),
  });
  const plain = await open(build(), { optimizer: sgd({ learningRate: 0 }) });
  for (const t of [sampled, plain]) await t.step(batch);
  const y = async (t: Trainer) => (await t.predict({ x: batch.x }))["y"]!.data as Float32Array;
  assertAllClose(await y(sampled), await y(plain), { relative: 1e-6 });
  for (const t of [sampled, plain]) await t.release();
});

Deno.test("Running statistics that are copies of parameters are updated, not trained", async () => {
  // As PyTorch's older exporter writes a fresh network: mean = Identity(beta).
  const m = buildModel();
  const x = m.input("x", ["N", 3]);
  const gamma = m.parameter("gamma", [3], Float32Array.of(1, 1, 1));
  const beta = m.parameter("beta", [3], new Float32Array(3));
  const mean = m.op("Identity", [beta], {}, "running_mean");
  const variance = m.op("Identity", [gamma], {}, "running_var");
  m.output(m.op("BatchNormalization", [x, gamma, beta, mean, variance], {}, "y"));
  const trainer = await open(m.build(), { optimizer: sgd({ learningRate: 0.1 }) });
  const batch = { data: Float32Array.of(1, 2, 3, 3, 4, 9), dims: [2, 3] };
  await trainer.step({ x: batch, labels: { data: new Float32Array(6), dims: [2, 3] } });
  assert.deepEqual(trainer.parameters, ["gamma", "beta"]);
  // Means 2, 3, 6 and variances 1, 1, 9 with momentum 0.9.
  assertAllClose(await trainer.parameter("running_mean"), [0.2, 0.3, 0.6], { relative: 1e-6 });
  assertAllClose(await trainer.parameter("running_var"), [1, 1, 1.8], { relative: 1e-6 });
  const session = await nodeOrt.InferenceSession.create(await trainer.exportModel());
  const feeds = { x: new nodeOrt.Tensor("float32", batch.data, batch.dims) };
  const [exported, predicted] = [await session.run(feeds), await trainer.predict({ x: batch })];
  assertAllClose(exported["y"]!.data as Float32Array, predicted["y"]!.data as Float32Array);
  await trainer.release();
});
