import assert from "node:assert/strict";
import { bundle } from "./bundle.ts";

const KB = 1000;

Deno.test("import of @precond/onnxruntime/training costs at most 80 KB", async (t) => {
  const app = await bundle(`
    import { TrainingSession } from "@precond/onnxruntime/training";
    export const open = (files) => TrainingSession.create(files);
  `);
  const imported = app.bytes();
  assert.ok(imported <= 80 * KB, `${imported} bytes`);

  await t.step("what trains a perceptron on wasm is less than all", () => {
    const perceptron = app.bytes(
      "training/training_session.ts",
      ...["activations", "cross_entropy", "softmax", "structure"].map((f) => `rules/${f}.ts`),
    );
    assert.ok(perceptron <= 110 * KB, `${perceptron} bytes`);
  });
});
