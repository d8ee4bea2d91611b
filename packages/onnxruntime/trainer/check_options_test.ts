import { adamW } from "@precond/core";
import { generateArtifacts } from "@precond/onnx";
import assert from "node:assert/strict";
import { mlp, nodeOrt } from "../scenarios/builds.ts";
import type { TrainerOptions } from "./options.ts";
import { Trainer } from "./trainer.ts";
import { createTrainingSession } from "../training/training_session.ts";

const net = mlp();
const { model, loss } = net;
const source = { model, loss };
const files = generateArtifacts(model, { loss });
// As from code without types.
const create = Trainer.create as (...given: unknown[]) => Promise<Trainer>;

Deno.test("What is not a trainer's argument is refused when the trainer is made", async (t) => {
  const cases: readonly [unknown[], RegExp][] = [
    [[undefined, source], /first argument must be a build of ONNX Runtime, .* given is undefined$/],
    [[source], /first argument must be a build of ONNX Runtime, .* given is Object$/],
    [[nodeOrt, undefined], /must be \{ model, loss \} or training artifacts, given is undefined$/],
    [
      [nodeOrt, "model.onnx"],
      /must be \{ model, loss \} or .*, given is String; read the file, or .*FromFile/,
    ],
    [
      [nodeOrt, { model: "model.onnx", loss }],
      /expected a model's bytes .*, given is String; read the file, or .*FromFile/,
    ],
    [[nodeOrt, { model: [8], loss }], /expected a model's bytes .* is Array$/],
    [[nodeOrt, { model, los: loss }], /"los" is no option, did you mean loss\?$/],
    [[nodeOrt, { ...files, evl: files.eval }], /"evl" is no option, did you mean eval\? /],
    [[nodeOrt, { model: files.training, output: "loss" }], /is the training model of artifacts/],
    [[nodeOrt, { training: files.training }], /read the checkpoint: .*, given is undefined$/],
    [[nodeOrt, { ...files, training: "x" }], /read the model: expected .*, given is String$/],
    [
      [nodeOrt, { ...files, checkpoint: "x" }],
      /read the checkpoint: expected .*, given is String$/,
    ],
    [
      [nodeOrt, source, { optimizer: adamW }],
      /optimizer must be an optimizer .* call it: adamW\(\)$/,
    ],
    [
      [nodeOrt, source, { optimizer: "adam" }],
      /optimizer must be an optimizer .* value is "adam"$/,
    ],
    [
      [nodeOrt, source, { executionProviders: [] }],
      /executionProviders must be .* is the array \[\]$/,
    ],
    [[nodeOrt, source, { executionProviders: "cpu" }], /executionProviders must be .* is "cpu"$/],
    [
      [nodeOrt, source, { learningRate: 0.1 }],
      /"learningRate" is no option; options are optimizer, /,
    ],
    [
      [nodeOrt, source, { trainables: ["w1"] }],
      /"trainables" is no option, did you mean trainable\?/,
    ],
    [[nodeOrt, source, 0.1], /options must be an object .*, current value is 0\.1$/],
    [[nodeOrt, source, { accumulate: "2" }], /accumulate must be a positive integer, .* is "2"$/],
    [[nodeOrt, source, { trainable: ["w1", "w1"] }], /train "w1": it is listed twice$/],
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

Deno.test("What is out of range is refused when the trainer is made", async (t) => {
  const cases: readonly [TrainerOptions, RegExp][] = [
    [{ hutchinson: "fd" as never }, /hutchinson must be "exact" or .* value is "fd"$/],
    [{ accumulate: 0 }, /accumulate must be a positive integer, current value is 0$/],
    [{ differenceStep: 0 }, /differenceStep must be positive, current value is 0$/],
    ...[NaN, 1.7, -1, 2 ** 32].map((seed): [TrainerOptions, RegExp] => [
      { seed },
      new RegExp(`seed must be an integer in \\[0, 4294967295\\], current value is ${seed}$`),
    ]),
    [{ sizes: { N: 0 } }, /sizes must be positive integers/],
  ];
  for (const [options, message] of cases) {
    await t.step(
      String(message),
      () => assert.rejects(create(nodeOrt, source, options), { name: "RangeError", message }),
    );
  }
});

Deno.test("An option that is undefined is as one left out", async () => {
  const left = { optimizer: undefined, accumulate: undefined, seed: undefined, frozen: undefined };
  const trainer = await create(nodeOrt, source, left);
  await trainer.step(net.feeds(0), { batchSize: undefined, readLoss: undefined } as never);
  assert.equal(trainer.iteration, 1);
  await trainer.release();
});

Deno.test("Options of calls are refused by name", async () => {
  const trainer = await create(nodeOrt, source);
  const calls: readonly [() => Promise<unknown>, string, RegExp][] = [
    [() => trainer.step(net.feeds(0), { batchsize: 3 } as never), "TypeError", /mean batchSize\?/],
    [
      () => trainer.step(net.feeds(0), { batchSize: "3" } as never),
      "TypeError",
      /must be positive/,
    ],
    [() => trainer.fit([net.feeds(0)], { epoch: 3 } as never), "TypeError", /mean epochs\?/],
    [() => trainer.fit([net.feeds(0)], { epochs: 0 }), "RangeError", /epochs must be a positive/],
    [
      () => trainer.save({ format: "ckpt" as never }),
      "RangeError",
      /format must be "safetensors" or/,
    ],
    [() => trainer.save({ fromat: "checkpoint" } as never), "TypeError", /mean format\?/],
  ];
  for (const [call, name, message] of calls) await assert.rejects(call(), { name, message });
  for (const values of ["abcdef", [1, 2], new Float64Array(3), 3]) {
    assert.throws(() => trainer.setParameter("b2", values as never), {
      name: "TypeError",
      message: /^Cannot set "b2": its values must be a Float32Array, current value is /,
    });
  }
  assert.equal(trainer.iteration, 0);
  await trainer.release();
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
        name: typeof rate === "number" ? "RangeError" : "TypeError",
        message: `Cannot set the learning rate: learningRate must be finite and not negative, ` +
          `current value is ${JSON.stringify(rate) === "null" ? rate : JSON.stringify(rate)}`,
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
  for (const given of ["run.safetensors", undefined, [8]]) {
    assert.throws(() => trainer.load(given as unknown as Uint8Array), {
      name: "TypeError",
      message: /^Cannot load: expected the file's bytes as a Uint8Array, given is \w+$/,
    });
  }
  await trainer.release();
});
