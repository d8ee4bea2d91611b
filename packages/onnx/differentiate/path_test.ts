// Nothing is cut off without a word: integers, unknown attributes, operators without a rule.
import assert from "node:assert/strict";
import { makeModel, makeNode, normal, runModel } from "../_testing.ts";
import { buildModel } from "../model/build_model.ts";
import { DataType } from "../model/data_type.ts";
import { declaration } from "../model/value_info.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";
import { differentiate } from "./differentiate.ts";
import { hessianVectorProduct } from "./hessian_vector_product.ts";

const { FLOAT, INT64, INT32, BOOL, UINT8 } = DataType;
const floats = (seed: number, dims: number[]) => ({ ...normal(seed, dims), type: FLOAT });

/** `h = x w`, then nodes to y, of which `declared` are typed in the file. */
function model(
  nodes: readonly NodeProto[],
  declared: Readonly<Record<string, DataType>> = {},
): ModelProto {
  const made = makeModel({
    nodes: [makeNode("Mul", ["x", "w"], ["h"]), ...nodes],
    inputs: { x: floats(1, [2, 3]) },
    initializers: {
      w: floats(2, [3]),
      scale: { dims: [], data: [0.1], type: FLOAT },
      zero: { dims: [], data: [0], type: UINT8 },
    },
    outputs: ["y"],
  });
  made.graph!.valueInfo.push(
    ...Object.entries(declared).map(([name, type]) => declaration(name, type, [2, 3])),
  );
  return made;
}

const grad = (made: ModelProto, more = {}) =>
  differentiate(made, { loss: { type: "mse" }, ...more });

const quantized = [
  makeNode("QuantizeLinear", ["h", "scale", "zero"], ["q"]),
  makeNode("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
];
const casts = [
  makeNode("Cast", ["h"], ["i"], { to: INT64 }),
  makeNode("Mul", ["i", "i"], ["j"]),
  makeNode("Cast", ["j"], ["y"], { to: FLOAT }),
];

Deno.test("A path through integers is refused by its nodes, declared or not", async (t) => {
  const refused: [string, ModelProto, RegExp][] = [
    [
      "quantized",
      model(quantized, { y: FLOAT }),
      /no rule for 1 node .*: QuantizeLinear/,
    ],
    [
      "quantized, declared",
      model(quantized, { q: UINT8, y: FLOAT }),
      /no rule for 1 node .*: QuantizeLinear/,
    ],
    [
      "quantized by the run",
      model([
        makeNode("DynamicQuantizeLinear", ["h"], ["q", "s", "z"]),
        makeNode("DequantizeLinear", ["q", "s", "z"], ["y"]),
      ], { q: UINT8, y: FLOAT }),
      /no rule for 1 node .*: DynamicQuantizeLinear/,
    ],
    [
      "moved between",
      model([
        quantized[0]!,
        makeNode("Transpose", ["q"], ["r"], { perm: [0, 1] }),
        makeNode("DequantizeLinear", ["r", "scale", "zero"], ["y"]),
      ], { q: UINT8, r: UINT8, y: FLOAT }),
      /no rule for 1 node .*: QuantizeLinear/,
    ],
    [
      "casts",
      model(casts),
      /leads through integers, which have no gradient, by 1 node: Cast "Cast of i" \(to INT64 "i"\); name what they make in stopped/,
    ],
    [
      "casts of one branch",
      model([
        ...casts.slice(0, 2),
        makeNode("Cast", ["j"], ["k"], { to: FLOAT }),
        makeNode("Add", ["h", "k"], ["y"]),
      ]),
      /leads through integers/,
    ],
    [
      "casts with an operator of integers between",
      model([
        casts[0]!,
        makeNode("BitShift", ["i", "i"], ["j"], { direction: "LEFT" }),
        casts[2]!,
      ], { j: INT64 }),
      /leads through integers, .* by 1 node: Cast "Cast of i"/,
    ],
  ];
  for (const [name, made, message] of refused) {
    await t.step(name, () => {
      assert.throws(
        () => grad(made),
        (e: Error) => message.test(e.message) || assert.fail(e.message),
      );
    });
  }
});

Deno.test("Indices, conditions, shapes and what is not on the path may be integers", async (t) => {
  const allowed: [string, readonly NodeProto[]][] = [
    ["indices", [
      makeNode("ArgMax", ["h"], ["a"], { axis: 1, keepdims: 1 }),
      makeNode("GatherElements", ["h", "a"], ["y"], { axis: 1 }),
    ]],
    ["computed indices", [
      makeNode("Abs", ["h"], ["b"]),
      makeNode("Min", ["b", "scale"], ["c"]),
      makeNode("Cast", ["c"], ["a"], { to: INT32 }),
      makeNode("GatherElements", ["h", "a"], ["y"], { axis: 1 }),
    ]],
    ["rank of the largest", [
      makeNode("ArgMax", ["h"], ["a"], { axis: 1, keepdims: 1 }),
      makeNode("Cast", ["a"], ["f"], { to: FLOAT }),
      makeNode("Mul", ["h", "f"], ["y"]),
    ]],
    ["a condition", [
      makeNode("Cast", ["h"], ["c"], { to: BOOL }),
      makeNode("Cast", ["c"], ["m"], { to: FLOAT }),
      makeNode("Mul", ["h", "m"], ["y"]),
    ]],
    ["a shape", [
      makeNode("Shape", ["h"], ["s"]),
      makeNode("ReduceProd", ["s"], ["p"], { keepdims: 0 }),
      makeNode("Cast", ["p"], ["f"], { to: FLOAT }),
      makeNode("Div", ["h", "f"], ["y"]),
    ]],
    ["an input's", [
      makeNode("Cast", ["x"], ["i"], { to: INT64 }),
      makeNode("Cast", ["i"], ["f"], { to: FLOAT }),
      makeNode("Mul", ["h", "f"], ["y"]),
    ]],
  ];
  for (const [name, nodes] of allowed) {
    await t.step(name, () => {
      const { model: made } = grad(model(nodes));
      assert.ok(made.graph!.node.some((n) => n.output.includes("w_grad")));
    });
  }
});

Deno.test("What is stopped is a constant, in first and second order", async () => {
  // y = h + trunc(h)²: with the second part constant ∂(½ Σ y²)… by hand: ∂w_j = Σ_i 2 y_ij x_ij.
  const made = model([
    ...casts.slice(0, 2),
    makeNode("Cast", ["j"], ["k"], { to: FLOAT }),
    makeNode("Add", ["h", "k"], ["y"]),
  ]);
  const options = {
    loss: { type: "mse" as const, reduction: "sum" as const },
    stopped: ["i"],
    parameters: "constants" as const,
  };
  const x = floats(1, [2, 3]), labels = { dims: [2, 3], data: [0, 0, 0, 0, 0, 0], type: FLOAT };
  const found = await runModel(grad(made, options).model, { x, labels });
  const expected = [0, 1, 2].map((j) =>
    2 * (found["y"]!.data[j]! * x.data[j]! + found["y"]!.data[j + 3]! * x.data[j + 3]!)
  );
  found["w_grad"]!.data.forEach((g, j) => assert.ok(Math.abs(g - expected[j]!) < 1e-4));
  const hvp = hessianVectorProduct(made, options);
  const vector = { dims: [3], data: [1, 0, -2], type: FLOAT };
  const second = await runModel(hvp.model, { x, labels, [hvp.vectors.get("w")!]: vector });
  // H is diagonal: 2 Σ_i x_ij².
  vector.data.forEach((v, j) => {
    const product = 2 * v * (x.data[j]! ** 2 + x.data[j + 3]! ** 2);
    assert.ok(Math.abs(second[hvp.products.get("w")!]!.data[j]! - product) < 1e-4);
  });
  assert.throws(
    () => grad(made, { ...options, stopped: ["nothing"] }),
    /Cannot stop gradients at "nothing"/,
  );
});

Deno.test("An attribute that a rule does not know is refused by name", () => {
  const node = {
    ...makeNode("Softmax", ["h"], ["y"], { axis: 1, temperature: 2 }),
  };
  assert.throws(
    () => grad(model([node], { y: FLOAT })),
    /no rule for 1 node on the path to a trainable parameter: Softmax "Softmax of y" \(its attribute "temperature" is not known\)/,
  );
});

Deno.test("An attribute that is not known is named, too, where it makes the type of the loss unknown", () => {
  const m = buildModel(28);
  const w = m.parameter("w", [1, 2, 2, 4], new Float32Array(16));
  m.output(m.op("SpaceToDepth", [w], { blocksize: 2, mode: "CRD" }, "y"));
  assert.throws(
    () => differentiate(m.build(), { loss: { type: "mse" } }),
    /it comes from SpaceToDepth "y\/SpaceToDepth", whose attribute "mode" is not known$/,
  );
});

Deno.test("Resize refuses the gradient by its roi and by its scales", () => {
  const image = { dims: [1, 1, 4, 4], data: Array.from({ length: 16 }, (_, k) => k), type: FLOAT };
  const resized = (inputs: string[], attributes: Record<string, string>) =>
    makeModel({
      nodes: [makeNode("Resize", inputs, ["y"], { mode: "linear", ...attributes })],
      inputs: {
        image,
        roi: { dims: [8], data: [0, 0, 0, 0, 1, 1, 1, 1], type: FLOAT },
        scales: { dims: [4], data: [1, 1, 2, 2], type: FLOAT },
      },
      outputs: ["y"],
    });
  const crop = { coordinate_transformation_mode: "tf_crop_and_resize" };
  const by = (name: string, made: ModelProto) =>
    differentiate(made, { loss: { type: "mse" }, trainable: [name] });
  assert.throws(
    () => by("roi", resized(["image", "roi", "scales"], crop)),
    /Cannot differentiate Resize .*: the gradient by its roi has no rule/,
  );
  assert.throws(
    () => by("scales", resized(["image", "", "scales"], {})),
    /the gradient by its scales has no rule/,
  );
  // Other modes do not read it.
  by("roi", resized(["image", "roi", "scales"], {}));
});
