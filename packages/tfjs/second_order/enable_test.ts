import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { tapeEngine } from "./_tape.ts";
import { normalTensor } from "./_testing.ts";
import { enableSecondOrder } from "./enable.ts";
import { gradients } from "./gradients/all.ts";
import { hessianVectorProduct } from "./hessian_vector_product.ts";

/** Everything that the pack touches. */
function touched(): unknown[] {
  const engine = tapeEngine();
  const own = Object.keys(engine).filter((key) => key === "addTapeNode" || key === "clone");
  const registered = gradients.map(({ kernelName }) => tf.getGradient(kernelName));
  return [...registered, engine.addTapeNode, engine.clone, ...own];
}
const same = (a: unknown[], b: unknown[]) => a.length === b.length && a.every((x, i) => x === b[i]);

Deno.test("enableSecondOrder() is undone once everyone has restored", async () => {
  await tf.setBackend("cpu");
  const before = touched();
  const first = enableSecondOrder();
  const enabled = touched();
  assert.ok(!same(enabled, before));
  const second = enableSecondOrder();
  assert.ok(same(touched(), enabled), "enabling twice changes nothing more");
  first();
  first();
  assert.ok(same(touched(), enabled), "one caller still needs it");
  second();
  assert.ok(same(touched(), before));
});

Deno.test("a Hessian-vector product leaves the registry as it was, also when it throws", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.scalar(1)), vectors = { [w.name]: tf.scalar(1) };
  const before = touched();
  hessianVectorProduct(() => tf.exp(w), [w], vectors);
  assert.ok(same(touched(), before));
  assert.throws(() => hessianVectorProduct(() => tf.logSigmoid(w), [w], vectors));
  assert.ok(same(touched(), before));
});

Deno.test("restoring keeps a gradient that somebody else has registered meanwhile", async () => {
  await tf.setBackend("cpu");
  const original = tf.getGradient("Cumsum");
  const restore = enableSecondOrder();
  const theirs: tf.GradConfig = { kernelName: "Cumsum", gradFunc: original.gradFunc };
  tf.unregisterGradient("Cumsum");
  tf.registerGradient(theirs);
  restore();
  assert.equal(tf.getGradient("Cumsum"), theirs);
  tf.unregisterGradient("Cumsum");
  tf.registerGradient(original);
});

Deno.test("with the pack enabled nested tf.grad is right, without it tanh loses everything", async () => {
  await tf.setBackend("cpu");
  const x = 0.5, t = Math.tanh(x);
  const [, f2, f3] = [t, -2 * t * (1 - t * t), (6 * t * t - 2) * (1 - t * t)]; // tanh″, tanh‴
  const second = tf.grad(tf.grad((x) => tf.tanh(x)));
  assert.throws(() => second(tf.scalar(x)), { message: /Cannot compute gradient of y=f\(x\)/ });
  const restore = enableSecondOrder();
  try {
    assertAllClose(second(tf.scalar(x)).dataSync(), [f2!], { relative: 1e-6 });
    assertAllClose(tf.grad(second)(tf.scalar(x)).dataSync(), [f3!], { relative: 1e-5 });
  } finally {
    restore();
  }
});

Deno.test("with the pack enabled, unverified operations still train but are not differentiated twice", async () => {
  await tf.setBackend("cpu");
  const cube = tf.customGrad((x, save) => {
    (save as tf.GradSaveFunc)([x as tf.Tensor]);
    return {
      value: tf.pow(x as tf.Tensor, 3),
      gradFunc: (dy: tf.Tensor, [x]: tf.Tensor[]) => tf.mul(dy, tf.mul(3, tf.square(x!))),
    };
  });
  const x = normalTensor([3], 1), first = tf.grad((x) => cube(x));
  const expected = first(x).dataSync();
  const restore = enableSecondOrder();
  try {
    assert.deepEqual(first(x).dataSync(), expected);
    assert.throws(() => tf.grad(first)(x), { name: "TypeError", message: /tf\.customGrad/ });
  } finally {
    restore();
  }
});
