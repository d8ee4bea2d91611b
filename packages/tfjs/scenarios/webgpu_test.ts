import {
  assertAllClose,
  basisCases,
  checkKernelFailures,
  checkNonFinite,
  conformanceCases,
  nonFiniteCases,
  random,
  steppedDefinitions,
} from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-webgpu";
import "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import { conform, tfSubject } from "../_testing.ts";
import { tensorBackend } from "../backends/tensors.ts";
import { checkTensorProducts } from "./products.ts";
import { loseDevice, lostMessage, restart, resumeAfterLoss } from "./lost_device.ts";
import { adam, precond, snrOnly, type TelemetryReport } from "../mod.ts";

/** All numbers of a report, in its order. */
function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

const adapter = await navigator.gpu?.requestAdapter();
// Needs a Vulkan, Metal or Direct3D driver; CI installs a software one.
const ignore = !adapter;

Deno.test({
  name: "updates on webgpu follow the reference",
  ignore,
  sanitizeResources: false,
  sanitizeOps: false,
  async fn(t) {
    for (const test of [...conformanceCases, ...basisCases({ reads: "async" })]) {
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
  name: "updates on webgpu do with extreme gradients what the reference does",
  ignore,
  sanitizeResources: false,
  sanitizeOps: false,
  async fn(t) {
    await tf.setBackend("webgpu");
    for (const test of nonFiniteCases) {
      await t.step({
        name: test.name,
        fn: () => checkNonFinite(test, tfSubject),
        sanitizeOps: false,
        sanitizeResources: false,
      });
    }
  },
});

Deno.test({
  name: "products on webgpu are within float32's bound, and reads those at their call",
  ignore,
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    await tf.setBackend("webgpu");
    const before = tf.memory().numTensors;
    await checkTensorProducts({ unit: 2 ** -23 }, [1, 5, 17, 129]);
    assert.equal(tf.memory().numTensors, before);
  },
});

Deno.test({
  name: "telemetry on webgpu reports what it does on the CPU, by shaders that each device allows",
  ignore,
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    const warnings: string[] = [];
    const { warn } = console;
    console.warn = (text) => warnings.push(text);
    const reportOn = async (backend: string) => {
      await tf.setBackend(backend);
      const { normal } = random(3);
      const v = tf.variable(tf.zeros([6, 8]), true, `told ${backend}`);
      const optimizer = precond(snrOnly(), { batchSize: 4 });
      const reports: TelemetryReport[] = [];
      optimizer.telemetry({ every: 20, onReport: (report) => reports.push(report) });
      for (let i = 0; i < 20; i++) {
        const tensor = tf.tensor2d(Float32Array.from({ length: 48 }, () => 1 + normal()), [6, 8]);
        optimizer.applyGradients([{ name: v.name, tensor }]);
        tensor.dispose();
      }
      while (reports.length === 0) await new Promise((done) => setTimeout(done, 5));
      optimizer.dispose();
      v.dispose();
      return numbersIn(reports[0]);
    };
    try {
      const [expected, actual] = [await reportOn("cpu"), await reportOn("webgpu")];
      assert.ok(expected.length > 10);
      assertAllClose(Float64Array.from(actual), Float64Array.from(expected), { relative: 1e-3 });
      assert.deepEqual(warnings.filter((text) => text.startsWith("precond")), []);
    } finally {
      console.warn = warn;
    }
  },
});

Deno.test({
  name: "whatever fails of a step, nothing has changed on webgpu",
  ignore,
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    await tf.setBackend("webgpu");
    const before = tf.memory().numTensors;
    for (const name of ["one program", "two groups", "a basis"]) {
      assert.ok(await checkKernelFailures(steppedDefinitions[name]!, tensorBackend()) >= 4, name);
    }
    assert.equal(tf.memory().numTensors, before);
  },
});

Deno.test({
  name: "updates on a lost device say so and change nothing",
  ignore,
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    await restart();
    const optimizer = precond(adam({ learningRate: 0.1 }));
    const v = tf.variable(tf.tensor1d([1, 2]), true, "lost/w");
    const loss = () => tf.sum(tf.square(v)) as tf.Scalar;
    optimizer.minimize(loss, false, [v]);
    await loseDevice();
    const expected = { name: "Error", message: lostMessage };
    assert.throws(() => optimizer.minimize(loss, false, [v]), expected);
    assert.throws(() => optimizer.applyGradients({ [v.name]: v }), expected);
    assert.equal(optimizer.iterations, 1);
    await restart();
  },
});

Deno.test({
  name: "after a lost device, saved states on a new backend continue as if nothing had happened",
  ignore,
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    await restart();
    // Deno itself refuses the slices that model.fit() takes first, in words of its own.
    assert.match((await resumeAfterLoss()).minimize, lostMessage);
  },
});
