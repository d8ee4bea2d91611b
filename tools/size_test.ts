import assert from "node:assert/strict";
import { bundle } from "./bundle.ts";

const KB = 1024;

Deno.test("import of @precond/onnxruntime/training costs at most 80 KB", async (t) => {
  const app = await bundle(`
    import { TrainingSession } from "@precond/onnxruntime/training";
    export const open = (files) => TrainingSession.create(files);
  `);
  const imported = app.bytes();
  assert.ok(imported <= 80 * KB, `${imported} bytes`);

  await t.step("what trains a perceptron on wasm is 80 KB at most, too", () => {
    const perceptron = app.bytes(
      "training/training_session.ts",
      ...["activations", "cross_entropy", "softmax", "transpose"].map((f) => `rules/${f}.ts`),
    );
    assert.ok(perceptron <= 80 * KB, `${perceptron} bytes`);
  });
});

for (const backend of ["cpu", "wasm", "webgpu", "webgl"]) {
  Deno.test(`an app with @precond/tfjs/${backend} costs at most 60 % of 36 KB`, async () => {
    const app = await bundle(`
      import * as tf from "@tensorflow/tfjs-core";
      import { adam, precond } from "@precond/tfjs/${backend}";
      export const train = (f: () => tf.Scalar) => precond(adam()).minimize(f);
    `);
    assert.ok(app.holds(`parts/${backend}.ts`), "what runs on the backend is not there");
    assert.ok(app.bytes() <= 0.6 * 36 * KB, `${app.bytes()} bytes`);
  });
}
