import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import { leaked } from "../_testing.ts";
import {
  type Chain,
  diagonalNewton,
  evidenceLoss,
  gaussNewton,
  hutchinson,
  precond,
  sgd,
  signalSgd,
} from "../mod.ts";
import { tensorBackend } from "../backends/tensors.ts";
import { hutchinsonSampler } from "./hutchinson.ts";
import { sameDraws, undisturbed } from "./undisturbed.ts";

/** Moving statistics after 6 steps at learning rate 0, so that all chains see the same weights. */
async function statistics(chain: Chain): Promise<number[]> {
  const { dense, batchNormalization } = layers.layers;
  const kernelInitializer = layers.initializers.glorotUniform({ seed: 4 });
  const model = layers.sequential({
    layers: [
      dense({ units: 5, activation: "tanh", inputShape: [4], kernelInitializer }),
      batchNormalization(),
      dense({ units: 3, activation: "softmax", kernelInitializer }),
    ],
  });
  model.compile({
    optimizer: precond(chain),
    loss: evidenceLoss("categoricalCrossentropy"),
    metrics: ["accuracy"],
  });
  const x = tf.randomNormal([24, 4], 1, 2, "float32", 1);
  const y = tf.tidy(() => tf.oneHot(tf.argMax(tf.slice(x, [0, 0], [24, 3]), 1) as tf.Tensor1D, 3));
  await model.fit(x, y, { epochs: 2, batchSize: 8, shuffle: false, verbose: 0 });
  // Trainable weights come first: two kernels and biases, gamma, beta.
  const values = model.getWeights().slice(6).flatMap((w) => [...w.dataSync()]);
  model.dispose();
  tf.dispose([x, y]);
  return values;
}

Deno.test("extra calls leave the statistics of batch normalisation alone", async () => {
  await tf.setBackend("cpu");
  const without = await statistics(sgd({ learningRate: 0 }));
  // 5 means, which start at 0, and 5 variances, which start at 1.
  assert.equal(without.length, 10);
  assert.ok(without.slice(0, 5).every((m) => m !== 0) && without.slice(5).every((v) => v !== 1));
  for (
    const chain of [
      diagonalNewton({
        curvatureWarmup: 1,
        stepClip: Infinity,
        learningRate: 0,
        curvature: hutchinson({ every: 1 }),
      }),
      diagonalNewton({
        curvatureWarmup: 1,
        stepClip: Infinity,
        learningRate: 0,
        curvature: gaussNewton({ every: 2 }),
      }),
      signalSgd({ learningRate: 0, from: "gradientSquares" }),
    ]
  ) assert.deepEqual(await statistics(chain), without);
});

Deno.test("undisturbed() restores non-trainable variables, also after an error, and no others", async () => {
  await tf.setBackend("cpu");
  const [fixed, free] = [tf.variable(tf.scalar(1), false), tf.variable(tf.scalar(1))];
  const two = tf.scalar(2);
  const write = () => {
    fixed.assign(two);
    free.assign(two);
  };
  assert.equal(leaked(() => undisturbed(write)), 0);
  assert.deepEqual([fixed.dataSync()[0], free.dataSync()[0]], [1, 2]);
  assert.throws(() =>
    undisturbed(() => {
      write();
      throw new Error("stop");
    }), { message: "stop" });
  assert.equal(fixed.dataSync()[0], 1);
  tf.dispose([fixed, free, two]);
});

for (const backend of ["cpu", "wasm"]) {
  Deno.test(`hutchinson() sees one dropout mask in both of its calls on ${backend}`, async () => {
    await tf.setBackend(backend);
    const n = 64;
    const w = tf.variable(tf.randomNormal([n], 0, 1, "float32", 1));
    // ½ Σ mᵢ² wᵢ² with m ∈ {0, 2}: the sample is m² = 0 or 4. With a second mask it would differ by
    // gradients over 2ε, about 1,000.
    const f = () => tf.mul(0.5, tf.sum(tf.square(tf.dropout(w, 0.5)))) as tf.Scalar;
    const sample = hutchinsonSampler(tensorBackend(), 1e-3).sample(f, [w], { seed: 1 });
    const values = [...sample[w.name]!.dataSync()];
    const expected = values.map((v) => v > 2 ? 4 : 0);
    assertAllClose(values, expected, { absolute: 0.01 });
    const kept = expected.filter((v) => v === 4).length;
    assert.ok(kept > 10 && kept < 54, `${kept} of 64 kept`);
    // The next sample has a mask of its own.
    const next = hutchinsonSampler(tensorBackend(), 1e-3).sample(f, [w], { seed: 1 });
    assert.notDeepEqual([...next[w.name]!.dataSync()].map((v) => v > 2 ? 4 : 0), expected);
    tf.dispose([sample, next, w]);
  });
}

Deno.test("hutchinson() inside model.fit() works with dropout and noise layers", async () => {
  await tf.setBackend("cpu");
  const { dense, dropout, gaussianNoise } = layers.layers;
  const kernelInitializer = layers.initializers.ones();
  const model = layers.sequential({
    layers: [
      gaussianNoise({ stddev: 1e-3, inputShape: [32] }),
      dropout({ rate: 0.5 }),
      dense({ units: 1, useBias: false, kernelInitializer }),
    ],
  });
  const optimizer = precond(
    diagonalNewton({
      curvatureWarmup: 1,
      stepClip: Infinity,
      learningRate: 0,
      curvature: hutchinson({ every: 1 }),
      curvatureDecay: 0,
    }),
  );
  model.compile({ optimizer, loss: "meanSquaredError" });
  const [x, y] = [tf.eye(32), tf.zeros([32, 1])];
  const random = Math.random;
  await model.fit(x, y, { epochs: 1, batchSize: 32, verbose: 0 });
  assert.equal(Math.random, random);
  // Example i is the unit vector e_i: H = diag(2 m_ii²/32) plus noise, m ∈ {0, 2}: 0 or ¼.
  const h = await optimizer.slot(model.trainableWeights[0]!.name, "inverseCurvature.h");
  assertAllClose(h, h.map((v) => v > 0.125 ? 0.25 : 0), { absolute: 0.01 });
  model.dispose();
  optimizer.dispose();
  tf.dispose([x, y]);
});

Deno.test("sameDraws() repeats what was drawn, goes on after it, and gives Math.random back", () => {
  const random = Math.random;
  const alike = sameDraws();
  const draw = (n: number) => alike(() => Array.from({ length: n }, () => Math.random()));
  const first = draw(3);
  assert.deepEqual(draw(5).slice(0, 3), first);
  assert.throws(() =>
    alike(() => {
      throw new Error("stop");
    })
  );
  assert.equal(Math.random, random);
  assert.equal(new Set(draw(5)).size, 5);
  Object.defineProperty(Math, "random", { value: random, writable: false, configurable: true });
  try {
    assert.throws(() => draw(1), { message: /Math\.random is frozen here/ });
  } finally {
    Object.defineProperty(Math, "random", { value: random, writable: true, configurable: true });
  }
});
