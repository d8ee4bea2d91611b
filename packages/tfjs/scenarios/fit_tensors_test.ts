import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import { both, compiled, fitOptions, softmaxModel, threeClasses } from "../_testing.ts";
import {
  type Definition,
  diagonalNewton,
  empiricalFisher,
  evidenceLoss,
  fisher,
  hutchinson,
  precond,
  type PrecondOptions,
  signalNewton,
  signalSgd,
} from "../mod.ts";

for (const backend of ["cpu", "wasm"]) {
  Deno.test(`30 steps with any evidence keep the number of tensors on ${backend}`, async (t) => {
    await tf.setBackend(backend);
    const { x, y } = threeClasses(24);
    const cases: [string, Definition, PrecondOptions][] = [
      ["all", both(3), {}],
      ["squares every 4", both(1), { gradientSquares: { every: 4 } }],
      [
        "fisher",
        diagonalNewton({ curvatureWarmup: 1, stepClip: Infinity, curvature: fisher({ every: 2 }) }),
        {},
      ],
      [
        "hutchinson",
        signalNewton({
          curvatureWarmup: 1,
          stepClip: Infinity,
          curvature: hutchinson({ every: 3 }),
        }),
        {},
      ],
      [
        "empirical",
        diagonalNewton({
          curvatureWarmup: 1,
          stepClip: Infinity,
          curvature: empiricalFisher({ from: "gradientSquares" }),
        }),
        {},
      ],
      ["accumulate", both(2), { accumulate: 3 }],
      ["batch size", signalSgd({ from: "gradientSquares" }), { batchSize: 8 }],
    ];
    for (const [name, definition, options] of cases) {
      for (const regularized of [false, true]) {
        await t.step(`${name}${regularized ? ", regularized" : ""}`, async () => {
          const { model, optimizer } = compiled(definition, options, softmaxModel(regularized));
          await model.fit(x, y, fitOptions);
          const before = tf.memory().numTensors;
          await model.fit(x, y, { ...fitOptions, epochs: 10 });
          assert.equal(tf.memory().numTensors, before);
          optimizer.dispose();
          model.dispose();
        });
      }
    }
    tf.dispose([x, y]);
  });
}

Deno.test("trainOnBatch() with metrics works beside extra calls, and leaves nothing", async () => {
  await tf.setBackend("cpu");
  const { x, y } = threeClasses(8);
  const { model, optimizer } = compiled(
    signalNewton({
      curvatureWarmup: 1,
      stepClip: Infinity,
      curvature: hutchinson({ every: 1 }),
      from: "gradientSquares",
    }),
  );
  const results = [await model.trainOnBatch(x, y) as number[]];
  const before = tf.memory().numTensors;
  for (let i = 0; i < 5; i++) results.push(await model.trainOnBatch(x, y) as number[]);
  assert.equal(tf.memory().numTensors, before);
  // Loss and accuracy of the step come first; then the accuracies of its extra calls.
  assert.ok(results.every(([loss, accuracy]) => loss! > 0 && accuracy! >= 0 && accuracy! <= 1));
  optimizer.dispose();
  model.dispose();
  tf.dispose([x, y]);
});

Deno.test("a model of two outputs trains with evidence, and leaves nothing", async () => {
  await tf.setBackend("cpu");
  const { x, y } = threeClasses(24);
  const input = layers.input({ shape: [4] });
  const outputs = ["a", "b"].map((name) =>
    layers.layers.dense({ units: 3, activation: "softmax", name }).apply(input)
  ) as layers.SymbolicTensor[];
  const model = layers.model({ inputs: input, outputs });
  const optimizer = precond(both(2));
  const loss = evidenceLoss("categoricalCrossentropy");
  model.compile({ optimizer, loss: { a: loss, b: loss }, metrics: ["accuracy"] });
  await model.fit(x, [y, y], fitOptions);
  const before = tf.memory().numTensors;
  const { history } = await model.fit(x, [y, y], { ...fitOptions, epochs: 10 });
  assert.equal(tf.memory().numTensors, before);
  const [total, a, b] = [history.loss!, history.a_loss!, history.b_loss!].map((h) =>
    h[9] as number
  );
  assertAllClose([total!], [a! + b!], { relative: 1e-5 });
  assert.ok((await model.trainOnBatch(x, [y, y]) as number[]).every(Number.isFinite));
  optimizer.dispose();
  model.dispose();
  tf.dispose([x, y]);
});
