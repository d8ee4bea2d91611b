import { adamW } from "@precond/core";
import { generateArtifacts } from "@precond/onnx";
import assert from "node:assert/strict";
import { mlp, nodeOrt } from "../scenarios/builds.ts";
import { Trainer } from "./trainer.ts";
import { createTrainingSession } from "../training/training_session.ts";

const { model, loss } = mlp();
const source = { model, loss };
const files = generateArtifacts(model, { loss });
// As from code without types.
const create = Trainer.create as (...given: unknown[]) => Promise<Trainer>;

Deno.test("What is not a trainer's argument is refused when the trainer is made", async (t) => {
  const cases: readonly [unknown[], RegExp][] = [
    [[undefined, source], /first argument must be a build of ONNX Runtime, .* given is undefined$/],
    [[source], /first argument must be a build of ONNX Runtime, .* given is Object$/],
    [[nodeOrt, undefined], /must be \{ model, loss \} or training artifacts, given is undefined$/],
    [[nodeOrt, "model.onnx"], /must be \{ model, loss \} or .*, given is String$/],
    [[nodeOrt, { model: "model.onnx", loss }], /expected a model's bytes .*, given is String$/],
    [[nodeOrt, { model: new ArrayBuffer(8), loss }], /expected a model's bytes .* is ArrayBuffer$/],
    [[nodeOrt, { model: files.training, output: "loss" }], /is the training model of artifacts/],
    [[nodeOrt, { training: files.training }], /read the checkpoint: .*, given is undefined$/],
    [[nodeOrt, { ...files, training: "x" }], /read the model: expected .*, given is String$/],
    [
      [nodeOrt, { ...files, checkpoint: "x" }],
      /read the checkpoint: expected .*, given is String$/,
    ],
    [[nodeOrt, source, { optimizer: adamW }], /optimizer must be a definition .* is Function$/],
    [[nodeOrt, source, { optimizer: "adam" }], /optimizer must be a definition .* is String$/],
    [[nodeOrt, source, { executionProviders: [] }], /executionProviders must be .* is \[\]$/],
    [[nodeOrt, source, { executionProviders: "cpu" }], /executionProviders must be .* is "cpu"$/],
    [[nodeOrt, source, { hutchinson: "fd" }], /hutchinson must be "exact" or .* value is "fd"$/],
    [[nodeOrt, source, { trainable: [] }], /trainable names no parameter$/],
    [[nodeOrt, source, { frozen: ["w9"] }], /keep "w9" frozen: the model has no initializer/],
  ];
  for (const [given, message] of cases) {
    await t.step(
      String(message),
      () => assert.rejects(create(...given), { name: "TypeError", message }),
    );
  }
});

Deno.test("A learning rate is refused where it is set", async () => {
  const trainer = await create(nodeOrt, source);
  const session = await createTrainingSession(nodeOrt, {
    trainModel: files.training,
    checkpointState: files.checkpoint,
  });
  for (const sets of [trainer, session]) {
    sets.learningRate = 0.5;
    for (const rate of [NaN, -0.1, Infinity, "0.1", null]) {
      assert.throws(() => sets.learningRate = rate as number, {
        name: "RangeError",
        message: `Cannot set the learning rate: it must be finite and not negative, or undefined ` +
          `for the optimizer's own, current value is ${rate}`,
      });
      assert.equal(sets.learningRate, 0.5);
    }
    sets.learningRate = 0;
    sets.learningRate = undefined;
  }
  await trainer.release();
  await session.release();
});

Deno.test("load() takes bytes", async () => {
  const trainer = await create(nodeOrt, source);
  for (const given of ["run.safetensors", undefined, new ArrayBuffer(8)]) {
    assert.throws(() => trainer.load(given as unknown as Uint8Array), {
      name: "TypeError",
      message: /^Cannot load: expected the file's bytes as a Uint8Array, given is \w+$/,
    });
  }
  await trainer.release();
});
