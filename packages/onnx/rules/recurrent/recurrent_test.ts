import assert from "node:assert/strict";
import { differentiate } from "../../differentiate/differentiate.ts";
import { hessianVectorProduct } from "../../differentiate/hessian_vector_product.ts";
import { DataType } from "../../model/data_type.ts";
import { compare, makeModel, normal, openModel, type Results, runModel } from "../../_testing.ts";
import {
  all,
  build,
  type Case,
  elements,
  feeds,
  NAMES,
  operators,
  sigmoid,
} from "./scenarios/cases.ts";
import { recurrentReference, type Scalar } from "./scenarios/reference.ts";

const activation = (
  names: readonly string[],
  functions: readonly Scalar[],
  alpha?: readonly number[],
  beta?: readonly number[],
): Pick<Case, "activations"> => ({
  activations: {
    names,
    functions,
    ...(alpha === undefined ? {} : { alpha }),
    ...(beta === undefined ? {} : { beta }),
  },
});

// Operators have their α and β in single precision.
const { fround } = Math;
const softplus = (x: number) => Math.log(1 + Math.exp(x));
const elu = (alpha: number) => (x: number) => x > 0 ? x : fround(alpha) * (Math.exp(x) - 1);
const leaky = (alpha: number) => (x: number) => x > 0 ? x : fround(alpha) * x;
const hard = (alpha: number, beta: number) => (x: number) =>
  Math.max(0, Math.min(1, fround(alpha) * x + fround(beta)));

const cases: readonly Case[] = [
  ...operators.flatMap((opType): Case[] => [
    { name: "without bias and states", opType },
    { name: "with everything", opType, ...all },
    { name: "in reverse", opType, ...all, direction: "reverse" },
    { name: "in both directions", opType, ...all, direction: "bidirectional" },
    { name: "both directions, states are zero", opType, bias: true, direction: "bidirectional" },
    { name: "lengths", opType, ...all, lengths: [2, 4, 1] },
    {
      name: "lengths in both directions",
      opType,
      ...all,
      lengths: [2, 4, 1],
      direction: "bidirectional",
    },
    { name: "an empty sequence", opType, ...all, lengths: [0, 4, 1] },
    { name: "an empty sequence, states are zero", opType, lengths: [0, 4, 1] },
    { name: "constant lengths", opType, ...all, lengths: [2, 4, 3], constantLengths: true },
    { name: "constant full lengths", opType, ...all, lengths: [4, 4, 4], constantLengths: true },
    { name: "clip", opType, ...all, clip: 0.6 },
    { name: "a batch of unknown size", opType, ...all, symbolic: true },
    {
      name: "unknown batch, lengths, both directions",
      opType,
      ...all,
      symbolic: true,
      lengths: [3, 4, 2],
      direction: "bidirectional",
    },
    { name: "one step", opType, ...all, time: 1 },
    { name: "one step of one example", opType, bias: true, time: 1, batch: 1, symbolic: true },
    { name: "Y alone", opType, ...all, outputs: [0] },
    { name: "Y_h alone", opType, ...all, outputs: [1] },
    { name: "opset 7", opType, ...all, opset: 7 },
    { name: "opset 22", opType, ...all, opset: 22 },
    { name: "the batch in front", opType, ...all, layout: 1, opset: 14 },
    {
      name: "the batch in front, both directions, lengths",
      opType,
      ...all,
      layout: 1,
      opset: 14,
      direction: "bidirectional",
      lengths: [2, 4, 1],
      symbolic: true,
    },
  ]),
  { name: "Y_c alone", opType: "LSTM", ...all, outputs: [2] },
  { name: "peepholes", opType: "LSTM", ...all, peepholes: true },
  { name: "peepholes without states", opType: "LSTM", peepholes: true },
  {
    name: "peepholes in both directions, lengths, clip",
    opType: "LSTM",
    ...all,
    peepholes: true,
    direction: "bidirectional",
    lengths: [2, 4, 1],
    clip: 1.1,
  },
  { name: "input_forget", opType: "LSTM", ...all, inputForget: true },
  {
    name: "input_forget and peepholes",
    opType: "LSTM",
    ...all,
    inputForget: true,
    peepholes: true,
  },
  { name: "linear_before_reset", opType: "GRU", ...all, linear: true },
  { name: "linear_before_reset without bias and states", opType: "GRU", linear: true },
  { name: "linear_before_reset without states", opType: "GRU", linear: true, bias: true },
  {
    name: "linear_before_reset, both directions, lengths, clip",
    opType: "GRU",
    ...all,
    linear: true,
    direction: "bidirectional",
    lengths: [2, 4, 1],
    clip: 0.9,
  },
  { name: "Relu", opType: "RNN", ...all, ...activation(["Relu"], [(x) => Math.max(0, x)]) },
  {
    name: "names in other letters",
    opType: "GRU",
    ...all,
    ...activation(["sigmoid", "TANH"], [sigmoid, Math.tanh]),
  },
  {
    name: "Affine",
    opType: "RNN",
    ...all,
    ...activation(["Affine"], [(x) => 0.6 * x + 0.3], [0.6], [0.3]),
  },
  {
    name: "LeakyRelu by default",
    opType: "RNN",
    ...all,
    ...activation(["LeakyRelu"], [leaky(0.01)]),
  },
  {
    name: "ThresholdedRelu",
    opType: "RNN",
    ...all,
    ...activation(["ThresholdedRelu"], [(x) => x > 0.25 ? x : 0], [0.25]),
  },
  {
    name: "ScaledTanh",
    opType: "RNN",
    ...all,
    ...activation(["ScaledTanh"], [(x) => 0.7 * Math.tanh(0.4 * x)], [0.7], [0.4]),
  },
  {
    name: "HardSigmoid by default",
    opType: "RNN",
    ...all,
    ...activation(["HardSigmoid"], [hard(0.2, 0.5)]),
  },
  { name: "Elu by default", opType: "RNN", ...all, ...activation(["Elu"], [elu(1)]) },
  {
    name: "Softsign",
    opType: "RNN",
    ...all,
    ...activation(["Softsign"], [(x) => x / (1 + Math.abs(x))]),
  },
  { name: "Softplus", opType: "RNN", ...all, ...activation(["Softplus"], [softplus]) },
  {
    name: "activations of both directions, whose parameters are taken in order",
    opType: "LSTM",
    ...all,
    direction: "bidirectional",
    ...activation(
      ["HardSigmoid", "Tanh", "LeakyRelu", "Sigmoid", "Elu", "Affine"],
      [hard(0.3, 0.4), Math.tanh, leaky(0.2), sigmoid, elu(0.7), (x) => 0.5 * x - 0.1],
      [0.3, 0.2, 0.7, 0.5],
      [0.4, -0.1],
    ),
  },
  {
    name: "activations of both directions",
    opType: "GRU",
    ...all,
    direction: "bidirectional",
    ...activation(
      ["HardSigmoid", "Softsign", "Sigmoid", "Elu"],
      [hard(0.3, 0.4), (x) => x / (1 + Math.abs(x)), sigmoid, elu(0.7)],
      [0.3, 0.7],
      [0.4],
    ),
  },
];

/** Every element's difference quotient, of fourth order. */
function differences(f: (x: readonly number[]) => number, at: readonly number[], h: number) {
  return at.map((_, i) => {
    const value = (delta: number) => f(at.map((x, k) => k === i ? x + delta : x));
    return (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h);
  });
}

async function checkCase(test: Case): Promise<void> {
  const { settings, values, outputs, graph, loss } = build(test);
  const layout = test.layout ?? 0;
  const trainable = Object.keys(values).filter((name) => name !== "lengths");
  const options = { output: "loss", trainable };

  // In float: the unrolled forward pass is what ONNX Runtime's kernel gives (it has no layout 1).
  const single = graph(DataType.FLOAT, layout);
  const unrolled = await runModel(
    differentiate(makeModel(single), options).model,
    single.inputs!,
  );
  const plain = graph(DataType.FLOAT, 0);
  const kernel = await runModel(makeModel(plain), plain.inputs!);
  for (const k of outputs) {
    const name = NAMES[k]!;
    assert.deepEqual(unrolled[name]!.dims, kernel[name]!.dims, `shape of ${name}`);
    compare(unrolled[name]!.data, kernel[name]!.data, 1e-6, `${name} of ONNX Runtime`);
  }

  const double = graph(DataType.DOUBLE, layout);
  const model = makeModel(double);
  const { model: gradientModel, gradients } = differentiate(model, options);
  assert.ok(
    gradientModel.graph!.node.every((n) => n.opType !== test.opType),
    "unrolled once, not computed twice",
  );
  const session = await openModel(gradientModel);
  try {
    const found = await session.run(double.inputs!);
    const expected = recurrentReference(settings, elements(values));
    for (const k of outputs) compare(found[NAMES[k]!]!.data, expected[k]!, 1e-12, NAMES[k]!);
    for (const name of trainable) {
      const value = values[name]!;
      const slopes = differences(
        (data) => loss({ ...values, [name]: { ...value, data } }),
        value.data,
        1e-3,
      );
      const wanted = feeds({ [name]: { ...value, data: slopes } }, layout)[name]!;
      const gradient = found[gradients.get(name)!]!;
      assert.deepEqual(gradient.dims, wanted.dims, `shape of the gradient of ${name}`);
      compare(gradient.data, wanted.data, 1e-6, `gradient of ${name}`);
    }

    const hvp = hessianVectorProduct(model, options);
    const inputs = double.inputs!;
    const vectors = Object.fromEntries(
      trainable.map((name, k) => [name, normal(50 + k, inputs[name]!.dims)]),
    );
    const products = await runModel(hvp.model, {
      ...inputs,
      ...Object.fromEntries(trainable.map((name) => [hvp.vectors.get(name)!, vectors[name]!])),
    });
    const h = 1e-4;
    const along = (delta: number): Promise<Results> => {
      const moved = trainable.map((name) => {
        const value = inputs[name]!;
        const data = value.data.map((x, i) => x + delta * vectors[name]!.data[i]!);
        return [name, { ...value, data }];
      });
      return session.run({ ...inputs, ...Object.fromEntries(moved) });
    };
    const [p1, m1, p2, m2] = [
      await along(h),
      await along(-h),
      await along(2 * h),
      await along(-2 * h),
    ];
    for (const name of trainable) {
      const g = gradients.get(name)!;
      const slopes = p1[g]!.data.map((p, i) =>
        (8 * (p - m1[g]!.data[i]!) - (p2[g]!.data[i]! - m2[g]!.data[i]!)) / (12 * h)
      );
      compare(products[hvp.products.get(name)!]!.data, slopes, 5e-6, `product of ${name}`);
    }
  } finally {
    await session.release();
  }
}

Deno.test("Recurrent layers equal ONNX Runtime's and a reference, and have its gradients", async (t) => {
  for (const test of cases) await t.step(`${test.opType}: ${test.name}`, () => checkCase(test));
});
