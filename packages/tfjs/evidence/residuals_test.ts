import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import "../_testing.ts";
import { evidenceLoss, type EvidenceLossOptions, type LossName } from "../mod.ts";
import { extraGradients } from "./extra_call.ts";
import { createWrappedSamples } from "./wrapped_samples.ts";

type Matrix = number[][];
type Activation = (z: tf.Tensor) => tf.Tensor;

const xs: Matrix = [[1, 0.5], [-1, 2], [0.3, 0.1], [0.4, -1.2]];
const ws: Matrix = [[0.5, -0.2, 0.1], [0.3, 0.8, -0.5]];
const [B, D, K] = [4, 2, 3];

/** The mean over seeds of the samples that `outputs = activation(x w)` gives. */
function meanSample(
  activation: Activation,
  name: LossName,
  { source = "gaussNewton", draws = 1500, weights, ...options }: EvidenceLossOptions & {
    source?: "gaussNewton" | "fisher";
    draws?: number;
    weights?: number[];
  } = {},
): Float64Array {
  const [x, w] = [tf.tensor2d(xs), tf.variable(tf.tensor2d(ws))];
  const loss = evidenceLoss(name, options);
  const closure = () => {
    const each = loss(tf.zeros([B, K]), activation(tf.matMul(x, w)));
    return tf.mean(weights ? tf.mul(each, weights) : each) as tf.Scalar;
  };
  const samples = createWrappedSamples(extraGradients);
  const total = new Float64Array(D * K);
  for (let seed = 1; seed <= draws; seed++) {
    const sample = samples.labels(closure, [w], source, seed * 1009);
    sample[w.name]!.dataSync().forEach((c, i) => total[i]! += c / draws);
    tf.dispose(sample);
  }
  tf.dispose([x, w]);
  return total;
}

const logits = xs.map((row) => ws[0]!.map((_, k) => row[0]! * ws[0]![k]! + row[1]! * ws[1]![k]!));
const softmax = (z: number[]) => {
  const e = z.map(Math.exp), sum = e.reduce((a, b) => a + b);
  return e.map((v) => v / sum);
};
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

/** (1/B) Σ_i x_id² h_ik: the diagonal for curvature h of the loss in the pre-activation z. */
const diagonal = (h: (i: number, k: number) => number) =>
  Float64Array.from({ length: D * K }, (_, j) => {
    const [d, k] = [Math.floor(j / K), j % K];
    return xs.reduce((sum, row, i) => sum + row[d]! ** 2 * h(i, k), 0) / B;
  });

// 1,500 draws of relative deviation up to 1.6: standard error 4 %.
const tolerance = { relative: 0.16, absolute: 0.004 };
const close = (actual: Float64Array, h: (i: number, k: number) => number) =>
  assertAllClose(actual, diagonal(h), tolerance);

Deno.test("drawn classes average to the Gauss-Newton diagonal of softmax regression", async (t) => {
  await tf.setBackend("cpu");
  const h = (i: number, k: number) => softmax(logits[i]!)[k]! * (1 - softmax(logits[i]!)[k]!);
  const cases: [LossName, Activation, boolean][] = [
    ["categoricalCrossentropy", tf.softmax, false],
    // Not normalised: the loss divides by the sum itself.
    ["categoricalCrossentropy", (z) => tf.mul(tf.exp(z), 2), false],
    ["kullbackLeiblerDivergence", tf.softmax, false],
    ["categoricalCrossentropy", (z) => z, true],
  ];
  for (const [name, activation, fromLogits] of cases) {
    await t.step(
      `${name}, ${fromLogits}`,
      () => close(meanSample(activation, name, { fromLogits }), h),
    );
  }
});

Deno.test("drawn classes weigh as class weights do in the loss", async () => {
  await tf.setBackend("cpu");
  const weights = [1, 4, 0, 0.5];
  const h = (i: number, k: number) =>
    weights[i]! * softmax(logits[i]!)[k]! * (1 - softmax(logits[i]!)[k]!);
  close(meanSample(tf.softmax, "categoricalCrossentropy", { weights }), h);
});

Deno.test("drawn labels of a logistic model average to p(1 − p)/K, of its Fisher matrix without 1/K", async () => {
  await tf.setBackend("cpu");
  const h = (i: number, k: number) => sigmoid(logits[i]![k]!) * (1 - sigmoid(logits[i]![k]!));
  const name = "binaryCrossentropy";
  close(meanSample(tf.sigmoid, name), (i, k) => h(i, k) / K);
  close(meanSample((z) => z, name, { fromLogits: true }), (i, k) => h(i, k) / K);
  close(meanSample(tf.sigmoid, name, { source: "fisher" }), h);
});

Deno.test("drawn targets of squared error average to its (2/K) JᵀJ, of the Fisher matrix to JᵀJ", async () => {
  await tf.setBackend("cpu");
  // tfjs: (1/K) Σ_k (f − y)², second derivative 2/K.
  close(meanSample((z) => z, "meanSquaredError"), () => 2 / K);
  close(meanSample((z) => z, "meanSquaredError", { source: "fisher" }), () => 1);
  // log(1 + f) with f = exp(z): J = f/(1 + f)
  const J = (i: number, k: number) => sigmoid(logits[i]![k]!);
  close(meanSample(tf.exp, "meanSquaredLogarithmicError"), (i, k) => 2 / K * J(i, k) ** 2);
});

Deno.test("signs in place of Poisson draws average to λ/K through the exponential", async () => {
  await tf.setBackend("cpu");
  close(meanSample(tf.exp, "poisson"), (i, k) => Math.exp(logits[i]![k]!) / K);
});

Deno.test("drawn labels of a sequence average over its steps as the loss does", async () => {
  await tf.setBackend("cpu");
  // Two sequences of two steps are four examples of weight 1/4.
  const sequence: Activation = (z) => tf.softmax(tf.reshape(z, [2, 2, K]));
  const h = (i: number, k: number) => softmax(logits[i]!)[k]! * (1 - softmax(logits[i]!)[k]!);
  const [x, w] = [tf.tensor2d(xs), tf.variable(tf.tensor2d(ws))];
  const loss = evidenceLoss("categoricalCrossentropy");
  const closure = () => tf.mean(loss(tf.zeros([2, 2, K]), sequence(tf.matMul(x, w)))) as tf.Scalar;
  const samples = createWrappedSamples(extraGradients);
  const total = new Float64Array(D * K);
  for (let seed = 1; seed <= 1500; seed++) {
    const sample = samples.labels(closure, [w], "gaussNewton", seed * 1009);
    sample[w.name]!.dataSync().forEach((c, i) => total[i]! += c / 1500);
    tf.dispose(sample);
  }
  close(total, h);
  tf.dispose([x, w]);
});

Deno.test("a loss of no distribution refuses to draw labels, and says what else there is", async () => {
  await tf.setBackend("cpu");
  const draw = (name: LossName) => meanSample((z) => z, name, { draws: 1 });
  for (const name of ["hinge", "cosineProximity", "meanAbsoluteError", "logcosh"] as const) {
    assert.throws(() => draw(name), {
      name: "TypeError",
      message:
        `Cannot draw labels for the loss "${name}": it belongs to no distribution; use hutchinson(), empiricalFisher()`,
    });
  }
});
