/**
 * The page of backends_browser_test.ts: what it calls, with the backends that only browsers have.
 *
 * @module
 */
import { assertAllClose, basisCases, conformanceCases, heldCases, random } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgl";
import "@tensorflow/tfjs-backend-webgpu";
import * as layers from "@tensorflow/tfjs-layers";
import { conformFused } from "../_testing.ts";
import { adam, type Definition, hutchinson, precond, sgd, signalNewton } from "../mod.ts";

setWasmPaths("/wasm/");

/** Makes a backend the active one; tfjs itself only returns false if it cannot. */
export async function start(backend: string): Promise<void> {
  if (!(await tf.setBackend(backend)) || tf.getBackend() !== backend) {
    throw new Error(`Cannot start ${backend}: the active backend is ${tf.getBackend()}`);
  }
  if (backend !== "webgpu") return;
  const { device } = tf.backend() as unknown as { device: GPUDevice };
  // Chromium would only warn of commands that the device refuses.
  device.addEventListener("uncapturederror", (e) => reportError(new Error(e.error.message)));
}

/** Runs a conformance case; false if its updates were arithmetic in plain tf ops, true if fused. */
export function conformance(backend: string, name: string, steps: number): Promise<boolean> {
  const reads = backend === "cpu" || backend === "wasm" ? "sync" : "async";
  const cases = [...conformanceCases, ...heldCases, ...basisCases({ reads })];
  const test = cases.find((c) => c.name === name)!;
  return conformFused(backend, test, steps);
}

const rate = 0.02, momentum = 0.9;
const pairs: Readonly<Record<string, readonly [() => Definition, () => tf.Optimizer]>> = {
  adam: [
    () => adam({ learningRate: 0.05, epsilon: 1e-7 }),
    () => tf.train.adam(0.05, 0.9, 0.999, 1e-7),
  ],
  sgd: [() => sgd({ learningRate: rate }), () => tf.train.sgd(rate)],
  momentum: [() => sgd({ learningRate: rate, momentum }), () => tf.train.momentum(rate, momentum)],
  nesterov: [
    () => sgd({ learningRate: rate, momentum, nesterov: true }),
    () => tf.train.momentum(rate, momentum, true),
  ],
};

/** Compares the weights, all between 2 and 4, with those of tf.train's optimizer. */
export async function likeTfTrain(name: string, steps: number): Promise<void> {
  const [ours, theirs] = pairs[name]!;
  const optimizers = [precond(ours()), theirs()] as const;
  const start = tf.randomUniform([4, 5], 2, 4, "float32", 3);
  const curve = tf.randomUniform([4, 5], 0.1, 2, "float32", 4);
  const variables = optimizers.map(() => tf.variable(start));
  for (let i = 0; i < steps; i++) {
    optimizers.forEach((optimizer, k) => {
      const loss = () => tf.sum(tf.mul(curve, tf.square(tf.sub(variables[k]!, 3)))) as tf.Scalar;
      optimizer.minimize(loss, false, [variables[k]!]);
    });
  }
  const [a, b] = await Promise.all(variables.map((v) => v.data()));
  for (const optimizer of optimizers) optimizer.dispose();
  tf.dispose([start, curve, variables]);
  assertAllClose(a!, b!, { relative: 1e-5 }, name);
}

function assertSame(after: tf.MemoryInfo, before: tf.MemoryInfo): void {
  for (const key of ["numTensors", "numDataBuffers", "numBytes"] as const) {
    if (after[key] !== before[key]) {
      throw new Error(`${key} is ${after[key]}, expected ${before[key]} as before`);
    }
  }
}

/** Checks that steps leave no tensor, and that disposing leaves none of the state. */
export async function steady(steps: number): Promise<void> {
  const start = tf.memory();
  const v = tf.tidy(() => tf.variable(tf.ones([3, 2])));
  const loss = () => tf.sum(tf.square(v)) as tf.Scalar;
  const optimizer = precond(
    signalNewton({
      curvatureWarmup: 1,
      stepClip: Infinity,
      curvature: hutchinson({ every: 3 }),
      scale: "unit-norm",
      pool: "row",
    }),
  );
  optimizer.minimize(loss, false, [v]);
  const before = tf.memory();
  for (let i = 0; i < steps; i++) optimizer.minimize(loss, false, [v]);
  await v.data();
  assertSame(tf.memory(), before);
  optimizer.dispose();
  v.dispose();
  assertSame(tf.memory(), start);
}

const fits: Readonly<Record<string, () => Definition>> = {
  combined: () =>
    signalNewton({
      curvatureWarmup: 1,
      stepClip: Infinity,
      learningRate: 0.05,
      damping: 0.1,
      curvature: hutchinson({ every: 4 }),
    }),
};

/** A smooth model with seeded weights, y = tanh(x A + a) B + b. */
function makeModel(): layers.LayersModel {
  const { normal } = random(2);
  const model = layers.sequential({
    layers: [
      layers.layers.dense({ units: 8, activation: "tanh", inputShape: [4] }),
      layers.layers.dense({ units: 2 }),
    ],
  });
  const weights = model.getWeights().map(({ shape }) =>
    tf.tensor(
      Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => normal() / 2),
      shape,
    )
  );
  model.setWeights(weights);
  tf.dispose(weights);
  return model;
}

/** The loss of each of ten batches of model.fit(); another ten must leave no tensor. */
export async function fitLosses(optimizer: string): Promise<number[]> {
  const model = makeModel();
  model.compile({ optimizer: precond(fits[optimizer]!(), { seed: 5 }), loss: "meanSquaredError" });
  const { normal } = random(1);
  const rows = Array.from({ length: 80 }, () => Array.from({ length: 4 }, normal));
  const x = tf.tensor2d(rows);
  const y = tf.tensor2d(rows.map(([a, b, c, d]) => [Math.sin(a! + b!), Math.cos(c! - d!)]));
  const losses: number[] = [];
  const onBatchEnd = (_: number, logs?: { loss?: number }) => void losses.push(logs!.loss!);
  const options = { batchSize: 8, shuffle: false, verbose: 0, callbacks: { onBatchEnd } } as const;
  await model.fit(x, y, options);
  const before = tf.memory();
  await model.fit(x, y, options);
  assertSame(tf.memory(), before);
  model.optimizer.dispose();
  model.dispose();
  tf.dispose([x, y]);
  return losses.slice(0, 10);
}
