import { adamW, gaussNewton, signalNewton } from "@precond/core";
import {
  buildModel,
  generateArtifacts,
  readCheckpoint,
  tensorData,
  writeCheckpoint,
} from "@precond/onnx";
import { multilayerPerceptron, random } from "@precond/testing";
import assert from "node:assert/strict";
import { nodeOrt as ort, openOracle } from "../scenarios/builds.ts";
import { Trainer } from "../mod.ts";
import type { Feeds } from "../hosts/ort.ts";
import type { TrainerSource } from "../graphs/source.ts";

function network() {
  const m = buildModel();
  multilayerPerceptron(m, [6, 5, 3]);
  return m.build();
}

function batch(seed: number): Feeds {
  const { normal } = random(seed);
  return {
    x: { data: Float32Array.from({ length: 8 * 6 }, () => normal()), dims: [8, 6] },
    labels: { data: BigInt64Array.from({ length: 8 }, (_, i) => BigInt(i % 3)), dims: [8] },
  };
}

const source: TrainerSource = { model: network(), loss: { type: "crossEntropy" } };
const optimizer = signalNewton({
  curvatureWarmup: 1,
  stepClip: Infinity,
  learningRate: 0.01,
  curvature: gaussNewton({ every: 3 }),
  damping: 1,
});

async function valuesOf(trainer: Trainer): Promise<Record<string, readonly number[]>> {
  const entries = trainer.parameters.map(async (name) =>
    [name, [...await trainer.parameter(name)]] as const
  );
  return Object.fromEntries(await Promise.all(entries));
}

for (const format of ["safetensors", "checkpoint"] as const) {
  Deno.test(`save + load + k steps = k steps, as ${format}`, async () => {
    const a = await Trainer.create(ort, source, { optimizer, seed: 5 });
    const b = await Trainer.create(ort, source, { optimizer, seed: 9 });
    for (let k = 0; k < 5; k++) await a.step(batch(k));
    const file = await a.save({ format });
    for (let k = 5; k < 10; k++) await a.step(batch(k));
    await b.step(batch(77));
    b.load(file);
    assert.equal(b.iteration, 5);
    for (let k = 5; k < 10; k++) await b.step(batch(k));
    assert.deepEqual(await valuesOf(b), await valuesOf(a));
    for (const trainer of [a, b]) await trainer.release();
  });

  Deno.test(`load() of a ${format} that does not fit changes nothing`, async () => {
    const trainer = await Trainer.create(ort, source, { optimizer });
    await trainer.step(batch(1));
    const before = await valuesOf(trainer);
    const other = await Trainer.create(ort, source, { optimizer: adamW() });
    await other.step(batch(1));
    const m = buildModel();
    multilayerPerceptron(m, [6, 4, 3]);
    const smaller = await Trainer.create(ort, { ...source, model: m.build() }, { optimizer });
    const good = await trainer.save({ format });
    const bad = [
      await other.save({ format }),
      await smaller.save({ format }),
      good.subarray(0, good.length >> 1),
      good.subarray(0, 6),
    ];
    for (const bytes of bad) assert.throws(() => trainer.load(bytes));
    assert.throws(
      () => trainer.load(bad[1]!),
      /"w1" has shape \[6,5\], in the file it has \[6,4\]/,
    );
    assert.deepEqual(await valuesOf(trainer), before);
    assert.equal(trainer.iteration, 1);
    for (const t of [trainer, other, smaller]) await t.release();
  });
}

Deno.test("parameters whose names look like slots are saved, too", async () => {
  const m = buildModel();
  const w = m.parameter("onnx::MatMul_12", [6, 3], new Float32Array(18).fill(0.1));
  m.output(m.op("MatMul", [m.input("x", ["N", 6]), w], {}, "logits"));
  const trainer = await Trainer.create(ort, { model: m.build(), loss: { type: "crossEntropy" } });
  await trainer.step(batch(1));
  for (const format of ["safetensors", "checkpoint"] as const) {
    const before = await trainer.parameter("onnx::MatMul_12");
    const file = await trainer.save({ format });
    await trainer.step(batch(2));
    trainer.load(file);
    assert.deepEqual(await trainer.parameter("onnx::MatMul_12"), before);
  }
  await trainer.release();
});

Deno.test("save() refuses other formats", async () => {
  const trainer = await Trainer.create(ort, source);
  await assert.rejects(trainer.save({ format: "zip" as "checkpoint" }), {
    message: 'Cannot save the trainer: format must be "safetensors" or "checkpoint", ' +
      'current value is "zip"',
  });
  await trainer.release();
});

Deno.test("a checkpoint of something else brings parameters, and the optimizer starts afresh", async () => {
  const trainer = await Trainer.create(ort, source, { optimizer });
  const { checkpoint } = generateArtifacts(network(), { loss: { type: "crossEntropy" } });
  const initial = await valuesOf(trainer);
  await trainer.step(batch(1));
  trainer.load(checkpoint);
  assert.equal(trainer.iteration, 0);
  assert.deepEqual(await valuesOf(trainer), initial);
  await trainer.step(batch(1));
  assert.equal(trainer.iteration, 1);
  const { parameters } = readCheckpoint(checkpoint);
  const fewer = writeCheckpoint({ parameters: parameters.slice(1) });
  assert.throws(() => trainer.load(fewer), /in the file there is none/);
  await trainer.release();
});

Deno.test({
  name: "ONNX Runtime 1.19.2 trains on from a saved checkpoint",
  // Its WebAssembly keeps ports open.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const files = generateArtifacts(network(), {
      loss: { type: "crossEntropy" },
      trainable: ["w1", "b1"],
      frozen: ["w2", "b2"],
    });
    const trainer = await Trainer.create(ort, files, { optimizer });
    for (let k = 0; k < 4; k++) await trainer.step(batch(k));
    const file = await trainer.save({ format: "checkpoint" });
    const { parameters, frozen } = readCheckpoint(file);
    assert.deepEqual(parameters.map((p) => p.name), ["b1", "w1"]);
    assert.deepEqual(frozen.map((p) => p.name), ["b2", "w2"]);
    assert.deepEqual(
      [...tensorData(parameters[1]!) as Float32Array],
      [...await trainer.parameter("w1")],
    );
    const old = await openOracle();
    const session = await old.TrainingSession.create({
      checkpointState: file,
      trainModel: files.training,
      evalModel: files.eval,
      optimizerModel: files.optimizer,
    });
    const { x, labels } = batch(4) as Record<string, { data: unknown; dims: number[] }>;
    const feeds = {
      x: new old.Tensor("float32", x!.data, x!.dims),
      labels: new old.Tensor("int64", labels!.data, labels!.dims),
    };
    const [before] = Object.values(await session.runEvalStep(feeds)) as { data: Float32Array }[];
    // Two builds' sums in float32.
    const { loss } = await trainer.evaluate(batch(4));
    assert.ok(Math.abs(before!.data[0]! - loss) < 1e-5, `${before!.data[0]} and ${loss}`);
    await session.runTrainStep(feeds);
    await session.runOptimizerStep();
    const [after] = Object.values(await session.runEvalStep(feeds)) as { data: Float32Array }[];
    assert.ok(after!.data[0]! < before!.data[0]!);
    await session.release();
    await trainer.release();
  },
});
