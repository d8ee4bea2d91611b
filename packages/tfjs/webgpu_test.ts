import { conformanceCases } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-webgpu";
import "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import { conform } from "./_testing.ts";
import { adam, precond } from "./mod.ts";

const adapter = await navigator.gpu?.requestAdapter();
// Needs a Vulkan, Metal or Direct3D driver; CI installs a software one.
const ignore = !adapter;

Deno.test({
  name: "updates on webgpu follow the reference",
  ignore,
  sanitizeResources: false,
  sanitizeOps: false,
  async fn(t) {
    for (const test of conformanceCases) {
      await t.step({
        name: test.name,
        fn: () => conform("webgpu", test, 20),
        sanitizeOps: false,
        sanitizeResources: false,
      });
    }
    void tf;
  },
});

Deno.test({
  name: "an update on a lost device says so, and training resumes on a new backend",
  ignore,
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    const factory = tf.findBackendFactory("webgpu");
    await tf.setBackend("webgpu");
    const optimizer = precond(adam({ learningRate: 0.1 }));
    const v = tf.variable(tf.tensor1d([1, 2]), true, "lost/w");
    const loss = () => tf.sum(tf.square(v)) as tf.Scalar;
    optimizer.minimize(loss, false, [v]);
    const [saved, weights] = [await optimizer.save(), [...await v.data()]];

    const { device } = tf.backend() as unknown as { device: GPUDevice };
    device.destroy();
    await device.lost;
    const expected = {
      name: "Error",
      message:
        /device was lost .*no weights and no state on it can be read.*model\.save.*optimizer\.save/,
    };
    assert.throws(() => optimizer.minimize(loss, false, [v]), expected);
    assert.throws(() => optimizer.applyGradients({ [v.name]: v }), expected);
    assert.equal(optimizer.iterations, 1);

    tf.removeBackend("webgpu");
    tf.registerBackend("webgpu", factory as () => Promise<tf.KernelBackend>, 3);
    await tf.setBackend("webgpu");
    const again = precond(adam({ learningRate: 0.1 }));
    again.load(saved);
    const w = tf.variable(tf.tensor1d(weights), true, "lost/w_1");
    again.minimize(() => tf.sum(tf.square(w)) as tf.Scalar, false, [w]);
    assert.equal(again.iterations, 2);
    // Adam's first steps are η each; the second a little more or less, as the gradient has shrunk.
    for (const [i, x] of [...await w.data()].entries()) {
      assert.ok(Math.abs(x - weights[i]! + 0.1) < 1e-2, `w[${i}] is ${x}`);
    }
  },
});
