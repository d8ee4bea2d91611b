import { sgd } from "@precond/core";
import { buildModel, generateArtifacts, type Loss } from "@precond/onnx";
import assert from "node:assert/strict";
import { mlp, nodeOrt } from "../../scenarios/builds.ts";
import type { Feeds } from "../../hosts/ort.ts";
import { Trainer } from "../../trainer/trainer.ts";
import type { TrainerSource } from "../../graphs/source.ts";

const x = { data: Float32Array.of(1, 2, 3, 4, 5, 6), dims: [3, 2] };
const labels = (...values: number[]) => ({
  data: BigInt64Array.from(values, BigInt),
  dims: [values.length],
});

function model(dims: readonly (number | string)[] = ["N", 2]) {
  const m = buildModel();
  const w = m.parameter("w", [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
  m.output(m.op("MatMul", [m.input("x", dims), w], {}, "y"));
  return m.build();
}

const crossEntropy: Loss = { type: "crossEntropy" };
const artifacts = generateArtifacts(model(), { loss: { ...crossEntropy, ignoreIndex: -1 } });
const sources: readonly [string, TrainerSource, string][] = [
  ["a loss", { model: model(), loss: crossEntropy }, "0 to 2"],
  ["an ignored label", {
    model: model(),
    loss: { ...crossEntropy, ignoreIndex: -1 },
  }, "0 to 2 or -1"],
  ["artifacts", artifacts, "0 to 2 or -1"],
];

Deno.test("A label that is no class is refused, where a kernel would count it from the end", async (t) => {
  for (const [name, source, classes] of sources) {
    await t.step(name, async () => {
      const trainer = await Trainer.create(nodeOrt, source, { optimizer: sgd() });
      const before = await trainer.save();
      for (const wrong of [3, -2]) {
        for (const action of ["step", "evaluate"] as const) {
          await assert.rejects(trainer[action]({ x, labels: labels(0, wrong, 2) }), {
            name: "TypeError",
            message: `Cannot ${action}: "labels" must hold classes from ${classes}, ` +
              `given is ${wrong} at element 1`,
          });
        }
      }
      assert.deepEqual(await trainer.save(), before);
      if (classes.endsWith("-1")) await trainer.step({ x, labels: labels(0, -1, 2) });
      else await assert.rejects(trainer.step({ x, labels: labels(0, -1, 2) }), /given is -1/);
      await trainer.step({ x, labels: labels(0, 1, 2) });
      await trainer.release();
    });
  }
});

Deno.test("Where the number of classes is not known, labels are the provider's to judge", async () => {
  const m = buildModel();
  const w = m.parameter("w", [1], Float32Array.of(1));
  m.output(m.op("Mul", [m.input("x", ["N", "C"]), w], {}, "y"));
  const trainer = await Trainer.create(nodeOrt, { model: m.build(), loss: crossEntropy });
  await trainer.step({ x, labels: labels(0, 1, 0) });
  await assert.rejects(trainer.step({ x, labels: labels(0, 2, 0) }));
  assert.equal(trainer.iteration, 1);
  await trainer.release();
});

Deno.test("Sizes without a name are free, each on its own", async () => {
  const source = model(["N", 2]);
  const declared = source.graph!.input[0]!.type!.value;
  assert.ok(declared?.$case === "tensorType");
  const [first] = declared.value.shape!.dim;
  const unnamed: readonly (typeof first)[] = [
    { ...first!, value: undefined },
    { ...first!, value: { $case: "dimParam", value: "" } },
    { ...first!, value: { $case: "dimValue", value: -1n } },
  ];
  for (const dim of unnamed) {
    declared.value.shape!.dim = [dim!, dim!];
    const trainer = await Trainer.create(nodeOrt, { model: source, loss: { type: "mse" } });
    const outcome = (rows: number) =>
      trainer.evaluate({
        x: { data: new Float32Array(2 * rows), dims: [rows, 2] },
        labels: { data: new Float32Array(3 * rows).fill(2), dims: [rows, 3] },
      });
    // x w = 0: 2² whatever the number of rows.
    assert.equal((await outcome(3)).loss, 4);
    assert.equal((await outcome(5)).loss, 4);
    await assert.rejects(trainer.predict({ x: { data: new Float32Array(6), dims: [6] } }), {
      message: `Cannot predict: "x" must have shape [?,?], given is [6]`,
    });
    await trainer.release();
  }
});

Deno.test("What is no tensor is refused by what it is", async (t) => {
  const trainer = await Trainer.create(nodeOrt, { model: model(), loss: crossEntropy });
  const right = labels(0, 1, 2);
  const cases: readonly [unknown, string][] = [
    [undefined, "feeds must be tensors by the names of inputs, given is undefined"],
    [null, "feeds must be tensors by the names of inputs, given is null"],
    [
      { x: x.data, labels: right },
      '"x" must be a tensor or { data, dims }, given is Float32Array',
    ],
    [
      { x: { data: x.data }, labels: right },
      '"x" must be a tensor or { data, dims }, given is Object',
    ],
    [
      { x: { ...x, data: [...x.data] }, labels: right },
      '"x" must have type float32, given is Array; write { data: Float32Array.from(values), dims }',
    ],
    [
      { x: { ...x, dims: [2.5, 2] }, labels: right },
      '"x" must have a shape of whole numbers, given is [2.5,2]',
    ],
    [
      { x, labels: { data: Int32Array.of(0, 1, 2), dims: [3] } },
      '"labels" must have type int64, given is int32; write { data: BigInt64Array.from(values, BigInt), dims }',
    ],
  ];
  for (const [feeds, message] of cases) {
    await t.step(message, () =>
      assert.rejects(trainer.step(feeds as Feeds), {
        name: "TypeError",
        message: `Cannot step: ${message}`,
      }));
  }
  await trainer.release();
});

Deno.test("A batch without examples has no loss, but predictions: none", async () => {
  const trainer = await Trainer.create(nodeOrt, { model: model(), loss: crossEntropy });
  const empty = { data: new Float32Array(0), dims: [0, 2] };
  await assert.rejects(trainer.evaluate({ x: empty, labels: labels() }), {
    name: "RangeError",
    message: 'Cannot evaluate: "x" is empty, given is [0,2]',
  });
  assert.deepEqual((await trainer.predict({ x: empty }))["y"]!.dims, [0, 3]);
  await trainer.release();
});

Deno.test("Labels that are fed as tensors are judged, too", async () => {
  const net = mlp();
  const trainer = await Trainer.create(nodeOrt, { model: net.model, loss: net.loss });
  const tensor = new nodeOrt.Tensor("int64", new BigInt64Array(16).fill(3n), [16]);
  await assert.rejects(
    trainer.step({ ...net.feeds(0), labels: tensor }),
    /given is 3 at element 0/,
  );
  await trainer.release();
});

Deno.test("A loss that is not a number names the feed that is the cause, if there is one", async () => {
  const trainer = await Trainer.create(nodeOrt, { model: model(), loss: { type: "mse" } });
  const t = { data: new Float32Array(9), dims: [3, 3] };
  const said =
    "Cannot step: the loss is NaN after 0 updates; parameters and optimizer are as they were";
  const bad = { ...x, data: Float32Array.of(1, 2, 3, NaN, 5, 6) };
  await assert.rejects(trainer.step({ x: bad, labels: t }), {
    name: "RangeError",
    message: `${said}; "x" holds NaN at element 3`,
  });
  trainer.setParameter("w", new Float32Array(6).fill(NaN));
  await assert.rejects(trainer.step({ x, labels: t }), { message: said });
  await trainer.release();
});
