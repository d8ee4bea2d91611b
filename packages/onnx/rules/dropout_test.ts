import assert from "node:assert/strict";
import { differentiate } from "../differentiate/differentiate.ts";
import { lossGraph } from "../differentiate/loss_graph.ts";
import { hessianVectorProduct } from "../differentiate/hessian_vector_product.ts";
import { type AttributeValue, float } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import {
  compare,
  makeModel,
  makeNode,
  normal,
  oracleOrt,
  runModel,
  type Value,
} from "../_testing.ts";

const { BOOL, DOUBLE, FLOAT, INT64 } = DataType;
const SIZE = [64, 96];

const x = normal(1, SIZE);
const seed = (value: number): Value => ({ dims: [], data: [value], type: FLOAT });
const ratio = (value: number): Value => ({ dims: [], data: [value] });
const on: Value = { dims: [], data: [1], type: BOOL };

interface Variant {
  readonly opset?: number;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly inputs?: readonly string[];
  readonly fed?: Readonly<Record<string, Value>>;
  readonly stored?: Readonly<Record<string, Value>>;
  readonly symbols?: readonly string[];
}

/** `loss = Σ w y`, `y = dropout(x)`, with the mask as output. */
function dropoutModel(v: Variant = {}): ModelProto {
  return makeModel({
    nodes: [
      makeNode("Dropout", ["x", ...(v.inputs ?? [])], ["y", "mask"], v.attributes ?? {}),
      makeNode("Mul", ["y", "w"], ["p"]),
      makeNode("ReduceSum", ["p"], ["loss"], { keepdims: 0 }),
    ],
    inputs: { x, ...v.fed },
    initializers: { w: normal(2, SIZE), ...v.stored },
    outputs: ["loss", "y", "mask"],
    opset: v.opset ?? 13,
    ...(v.symbols === undefined ? {} : { symbols: { x: v.symbols } }),
  });
}

const kept = (y: readonly number[]) => y.map((v) => v === 0 ? 0 : 1);
const shareOf = (mask: readonly number[]) => mask.reduce<number>((a, v) => a + v, 0) / mask.length;

const trained: readonly [string, number, Variant][] = [
  ["without a ratio", 0.5, {}],
  ["with a stored ratio", 0.25, { inputs: ["r"], stored: { r: ratio(0.25) } }],
  ["with a ratio that is fed", 0.25, { inputs: ["r"], fed: { r: ratio(0.25) } }],
  ["with a ratio of 0", 0, { inputs: ["r"], stored: { r: ratio(0) } }],
  ["of opset 7", 0.1, { opset: 7, attributes: { ratio: float(0.1) } }],
  ["of opset 10", 0.1, { opset: 10, attributes: { ratio: float(0.1) } }],
  ["of opset 12", 0.75, { opset: 12, inputs: ["r"], stored: { r: ratio(0.75) } }],
  ["of opset 22", 0.75, { opset: 22, inputs: ["r"], stored: { r: ratio(0.75) } }],
  ["of unknown sizes", 0.5, { symbols: ["N", "C"] }],
];

Deno.test("Dropout in training drops a share, scales the rest, and has the same mask in both directions", async (t) => {
  for (const [name, share, variant] of trained) {
    await t.step(name, async () => {
      const { model } = differentiate(dropoutModel(variant), {
        output: "loss",
        trainable: ["x"],
        training: true,
      });
      const found = await runModel(model, { x, ...variant.fed, dropout_seed: seed(5) });
      const mask = found["mask"]!.data;
      const count = mask.length;
      assert.deepEqual(kept(found["y"]!.data), mask);
      // Five standard errors.
      const error = 5 * Math.sqrt(share * (1 - share) / count);
      assert.ok(Math.abs(shareOf(mask) - (1 - share)) <= error, `kept ${shareOf(mask)}`);
      const scaled = (value: Value) => value.data.map((v, i) => mask[i]! * v / (1 - share));
      // Ratios were stored in float32 where they are attributes.
      compare(found["y"]!.data, scaled(x), 1e-7, "y");
      compare(found["x_grad"]!.data, scaled(normal(2, SIZE)), 1e-7, "gradient");
    });
  }
});

Deno.test("Dropout draws what seed and node number say, and only that", async () => {
  const model = makeModel({
    nodes: [
      makeNode("Dropout", ["x"], ["a"]),
      makeNode("Dropout", ["x"], ["b"]),
      makeNode("Add", ["a", "b"], ["y"]),
      makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 }),
    ],
    inputs: { x },
    outputs: ["a", "b", "loss"],
    opset: 13,
  });
  const { model: ours } = differentiate(model, {
    output: "loss",
    trainable: ["x"],
    training: true,
  });
  assert.equal(ours.graph!.input.filter((i) => i.name === "dropout_seed").length, 1);
  const run = (value: number) => runModel(ours, { x, dropout_seed: seed(value) });
  const [first, again, other] = [await run(1), await run(1), await run(2)];
  assert.deepEqual(first, again);
  const agreement = (u: number[], v: number[]) => shareOf(u.map((m, i) => m === v[i] ? 1 : 0));
  const [a, b, c] = [first["a"]!, first["b"]!, other["a"]!].map((r) => kept(r.data));
  const limit = 5 * Math.sqrt(0.25 / a!.length);
  assert.ok(Math.abs(agreement(a!, b!) - 0.5) < limit);
  assert.ok(Math.abs(agreement(a!, c!) - 0.5) < limit);
});

Deno.test("Dropout draws the same mask in another build", async () => {
  const { model } = differentiate(dropoutModel(), {
    output: "loss",
    trainable: ["x"],
    training: true,
  });
  const feeds = { x, dropout_seed: seed(2 ** 24 - 1) };
  const [here, there] = [
    await runModel(model, feeds),
    await runModel(model, feeds, await oracleOrt()),
  ];
  assert.deepEqual(there["mask"], here["mask"]);
});

Deno.test("Dropout out of training is the identity, with a mask of ones", async (t) => {
  const cases: readonly [string, Variant, boolean | undefined][] = [
    ["as written before opset 12", { opset: 10, attributes: { ratio: float(0.5) } }, undefined],
    ["of opset 7", { opset: 7 }, undefined],
    ["as written without training_mode", {}, undefined],
    ["that was written for training", {
      inputs: ["r", "on"],
      stored: { r: ratio(0.5), on },
    }, false],
  ];
  for (const [name, variant, training] of cases) {
    await t.step(name, async () => {
      const { model } = differentiate(dropoutModel(variant), {
        output: "loss",
        trainable: ["x"],
        ...(training === undefined ? {} : { training }),
      });
      assert.ok(model.graph!.input.every((i) => i.name !== "dropout_seed"));
      const found = await runModel(model, { x });
      assert.deepEqual(found["y"]!.data, x.data);
      assert.deepEqual(found["x_grad"]!.data, normal(2, SIZE).data);
      assert.ok(found["mask"]!.data.every((v) => v === 1));
    });
  }
});

Deno.test("Dropout follows its own training_mode, stored or fed", async () => {
  const stored = { inputs: ["r", "on"], stored: { r: ratio(0.5), on } };
  const options = { output: "loss", trainable: ["x"] };
  const feeds = { x, dropout_seed: seed(3) };
  const always = await runModel(differentiate(dropoutModel(stored), options).model, feeds);
  assert.ok(Math.abs(shareOf(always["mask"]!.data) - 0.5) < 0.05);
  const fed = dropoutModel({ inputs: ["r", "on"], stored: { r: ratio(0.5) }, fed: { on } });
  const { model } = differentiate(fed, options);
  assert.deepEqual(await runModel(model, { ...feeds, on }), always);
  const off = await runModel(model, { ...feeds, on: { ...on, data: [0] } });
  assert.deepEqual(off["y"]!.data, x.data);
  assert.ok(off["mask"]!.data.every((v) => v === 1));
});

Deno.test("The ratio is not a parameter, and Dropout can be differentiated twice", async () => {
  const model = makeModel({
    nodes: [
      makeNode("Mul", ["x", "k"], ["z"]),
      makeNode("Dropout", ["z", "r"], ["y"]),
      makeNode("Mul", ["y", "y"], ["square"]),
      makeNode("ReduceSum", ["square"], ["loss"], { keepdims: 0 }),
    ],
    inputs: { x },
    initializers: { k: { dims: [1], data: [3] }, r: ratio(0.5) },
    outputs: ["loss", "y"],
    opset: 13,
  });
  const result = hessianVectorProduct(model, {
    output: "loss",
    training: true,
    parameters: "constants",
  });
  assert.deepEqual(result.parameters, ["k"]);
  const v = { dims: [1], data: [1], type: DOUBLE };
  const found = await runModel(result.model, { x, dropout_seed: seed(8), k_vector: v });
  // loss = k² Σ (2 m x)²
  const sum = x.data.reduce(
    (a, value, i) => a + (found["y"]!.data[i] === 0 ? 0 : 4 * value ** 2),
    0,
  );
  compare(found["k_grad"]!.data, [6 * sum], 1e-12, "gradient");
  compare(found["k_hvp"]!.data, [2 * sum], 1e-12, "Hessian");
});

Deno.test("Dropout of a value of unknown rank draws over its elements", async () => {
  const shape = { dims: [2], data: SIZE, type: INT64 };
  const model = makeModel({
    nodes: [
      // From a shape that is fed.
      makeNode("Reshape", ["x", "shape"], ["z"]),
      makeNode("Dropout", ["z"], ["y", "mask"]),
    ],
    inputs: { x, shape },
    symbols: { shape: ["rank"] },
    outputs: ["y", "mask"],
    opset: 13,
  });
  const { model: ours } = lossGraph(model, { training: true, trainable: ["x"] });
  const found = await runModel(ours, { x, shape, dropout_seed: seed(5) });
  assert.deepEqual([...found["mask"]!.dims], SIZE);
  assert.ok(Math.abs(shareOf(found["mask"]!.data) - 0.5) < 5 * Math.sqrt(0.25 / x.data.length));
});

Deno.test("Dropout refuses a ratio that is none", () => {
  const model = dropoutModel({ inputs: ["r"], stored: { r: ratio(1) } });
  assert.throws(
    () => differentiate(model, { output: "loss", trainable: ["x"], training: true }),
    /Cannot read Dropout "Dropout of y": its ratio is 1, not in \[0, 1\)/,
  );
});
