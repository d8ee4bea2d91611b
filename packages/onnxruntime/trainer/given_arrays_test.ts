// Arrays as callers have them: reused, shared between threads, of another realm, of halves.
import { adam, diagonalNewton, sgd, userCurvature } from "@precond/core";
import { buildModel, DataType, generateArtifacts, writeModel } from "@precond/onnx";
import assert from "node:assert/strict";
import { runInNewContext } from "node:vm";
import { nodeOrt } from "../scenarios/builds.ts";
import type { Feed, Feeds, Ort } from "../hosts/ort.ts";
import { createTrainingSession } from "../training/training_session.ts";
import { Trainer } from "./trainer.ts";

function linear(type: DataType = DataType.FLOAT) {
  const m = buildModel();
  const w = m.parameter("w", [3, 4], Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)));
  const x = m.input("x", ["N", 3], type);
  m.output(m.op("MatMul", [m.op("Cast", [x], { to: DataType.FLOAT }), w], {}, "logits"));
  return m.build();
}
const loss = { type: "crossEntropy" } as const;
const labels = { data: BigInt64Array.of(0n, 3n), dims: [2] };
const values = (k: number) => Float32Array.from({ length: 6 }, (_, i) => (i / 3 - 1) * (k + 1));
const lossesOf = (steps: readonly Promise<{ readonly loss: number }>[]) =>
  Promise.all(steps).then((all) => all.map(({ loss }) => loss));
const builds = async (): Promise<readonly (readonly [string, Ort])[]> => [
  ["onnxruntime-node", nodeOrt],
  ["onnxruntime-web", await import("onnxruntime-web") as unknown as Ort],
];
// ONNX Runtime's WebAssembly keeps ports open.
const test = (name: string, fn: (t: Deno.TestContext) => Promise<void>) =>
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });

test("Feeds are read when a call is made, as arrays and as tensors", async (t) => {
  for (const [name, ort] of await builds()) {
    for (const kind of ["arrays", "tensors"]) {
      await t.step(`${kind} on ${name}`, async () => {
        const [queued, waited] = [
          await Trainer.create(ort, { model: linear(), loss }),
          await Trainer.create(ort, { model: linear(), loss }),
        ];
        const buffer = new Float32Array(6);
        const dims = [2, 3];
        const x: Feed = kind === "arrays"
          ? { data: buffer, dims }
          : new ort.Tensor("float32", buffer, dims);
        const steps = [0, 1, 2].map((k) => {
          buffer.set(values(k));
          return queued.step({ x, labels });
        });
        const evaluated = queued.evaluate({ x, labels });
        const predicted = queued.predict({ x });
        buffer.fill(NaN);
        dims[0] = 7;
        const expected = [];
        for (const k of [0, 1, 2]) {
          const own = { x: { data: values(k), dims: [2, 3] }, labels };
          expected.push((await waited.step(own)).loss);
        }
        assert.deepEqual(await lossesOf(steps), expected);
        const last = { x: { data: values(2), dims: [2, 3] } };
        assert.equal((await evaluated).loss, (await waited.evaluate({ ...last, labels })).loss);
        const [a, b] = [await predicted, await waited.predict(last)];
        assert.deepEqual(a["logits"]!.data, b["logits"]!.data);
        await queued.release();
        await waited.release();
      });
    }
  }
});

test("Curvature samples of the caller are read when step() is called", async () => {
  const optimizer = diagonalNewton({ learningRate: 1, curvature: userCurvature({ every: 1 }) });
  const make = () => Trainer.create(nodeOrt, { model: linear(), loss }, { optimizer });
  const [a, b] = [await make(), await make()];
  const feeds = { x: { data: values(0), dims: [2, 3] }, labels };
  const w = new Float32Array(12).fill(2);
  const step = a.step(feeds, { curvature: { w } });
  w.fill(1000);
  await step;
  await b.step(feeds, { curvature: { w: new Float32Array(12).fill(2) } });
  assert.deepEqual(await a.parameter("w"), await b.parameter("w"));
  await a.release();
  await b.release();
});

test("A training session reads its feeds when it is called", async () => {
  const { training, checkpoint, optimizer } = generateArtifacts(linear(), { loss });
  const files = { trainModel: training, checkpointState: checkpoint, optimizerModel: optimizer };
  const session = await createTrainingSession(nodeOrt, files);
  const buffer = values(0);
  const run = (x: Float32Array) =>
    session.runTrainStep({
      x: new nodeOrt.Tensor("float32", x, [2, 3]),
      labels: new nodeOrt.Tensor("int64", labels.data, [2]),
    });
  const first = run(buffer);
  buffer.fill(NaN);
  const [name] = session.trainingOutputNames;
  assert.deepEqual((await first)[name!]!.data, (await run(values(0)))[name!]!.data);
  await session.release();
});

test("Feeds in shared memory, and what else is no array of its own", async (t) => {
  const shared = new Float32Array(new SharedArrayBuffer(24));
  shared.set(values(1));
  const middle = new Float32Array(10).subarray(3, 9);
  middle.set(values(1));
  const other = runInNewContext("Float32Array") as Float32ArrayConstructor;
  for (const [name, ort] of await builds()) {
    const make = () => Trainer.create(ort, { model: linear(), loss }, { optimizer: sgd() });
    const plain = await make();
    const expected = await plain.step({ x: { data: values(1), dims: [2, 3] }, labels });
    for (const [kind, data] of Object.entries({ shared, middle, other: other.from(values(1)) })) {
      await t.step(`${kind} on ${name}`, async () => {
        const trainer = await make();
        const { loss } = await trainer.step({ x: { data, dims: [2, 3] }, labels });
        assert.equal(loss, expected.loss);
        await trainer.release();
      });
    }
    await plain.release();
  }
});

test("What comes from another realm is taken", async () => {
  const [Floats, Bytes, List] = runInNewContext("[Float32Array, Uint8Array, Array]") as [
    Float32ArrayConstructor,
    Uint8ArrayConstructor,
    ArrayConstructor,
  ];
  const model = new Bytes(writeModel(linear()));
  const trainer = await Trainer.create(nodeOrt, { model, loss }, { optimizer: adam() });
  const feeds = { x: { data: new Floats(values(1)), dims: List.from([2, 3]) }, labels };
  const { loss: first } = await trainer.step(feeds);
  trainer.setParameter("w", new Floats(12));
  // All logits are 0: ln 4.
  assert.ok(Math.abs((await trainer.step(feeds)).loss - Math.log(4)) < 1e-6);
  assert.notEqual(first, Math.log(4));
  const saved = await trainer.save();
  trainer.load(new Bytes(saved));
  trainer.load(saved.buffer as unknown as Uint8Array);
  assert.equal(trainer.iteration, 2);
  await trainer.release();
});

test("Halves are fed as bits, as a Float16Array where there is one, and as tensors", async (t) => {
  // 1, 2, 0, 0, 0, 0
  const bits = Uint16Array.of(0x3c00, 0x4000, 0, 0, 0, 0);
  const Halves =
    (globalThis as unknown as { Float16Array?: { new (of: ArrayBufferLike): Uint16Array } })
      .Float16Array;
  for (const [name, ort] of await builds()) {
    const trainer = await Trainer.create(ort, { model: linear(DataType.FLOAT16), loss }, {
      optimizer: sgd({ learningRate: 0 }),
    });
    const plain = await Trainer.create(ort, { model: linear(), loss });
    const x = { data: Float32Array.of(1, 2, 0, 0, 0, 0), dims: [2, 3] };
    const expected = (await plain.evaluate({ x, labels })).loss;
    const given: Record<string, Feed> = {
      bits: { data: bits, dims: [2, 3] },
      tensor: new ort.Tensor("float16", bits, [2, 3]),
      ...(Halves === undefined
        ? {}
        : { "Float16Array": { data: new Halves(bits.slice().buffer), dims: [2, 3] } }),
    };
    for (const [kind, half] of Object.entries(given)) {
      await t.step(`${kind} on ${name}`, async () => {
        for (const call of ["step", "evaluate"] as const) {
          const { loss } = await trainer[call]({ x: half, labels });
          assert.ok(Math.abs(loss - expected) < 1e-6, `${loss}, expected ${expected}`);
        }
      });
    }
    await trainer.release();
    await plain.release();
  }
});

test("Memory that was given away is named", async () => {
  const trainer = await Trainer.create(nodeOrt, { model: linear(), loss });
  const data = values(0);
  structuredClone(data.buffer, { transfer: [data.buffer] });
  const feeds: Feeds = { x: { data, dims: [2, 3] }, labels };
  await assert.rejects(trainer.step(feeds), {
    name: "TypeError",
    message: /^Cannot step: "x" must have .*elements/,
  });
  await trainer.release();
});
