import {
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  testGradients,
  type Value,
} from "../_testing.ts";
import { differentiate } from "../differentiate/mod.ts";
import { loadGraph } from "../graph/load_graph.ts";
import { type AttributeValue, float } from "../model/attributes.ts";
import { ruleFor } from "./mod.ts";
import assert from "node:assert/strict";

const floats = (...data: number[]): Value => ({ dims: [data.length], data, type: 1 });
const ints = (...data: number[]): Value => ({ dims: [data.length], data, type: 7 });

interface Target {
  readonly scales?: number[];
  readonly sizes?: number[];
  readonly region?: number[];
}

/**
 * Squares of the result: a gradient that is linear in it makes the second order visible.
 * onnxruntime-node has no double kernel, the 1.19.2 training build no ResizeGrad on the CPU; the loss is quadratic, so differences of step 1/2 are
 * exact and the tolerance is some dozens of float32's 6e-8, lost in the sums of the loss.
 */
const resize = (
  name: string,
  dims: number[],
  { scales, sizes, region }: Target,
  attributes: Record<string, AttributeValue> = {},
  more: Partial<GradientCase> & { fed?: boolean } = {},
): GradientCase => {
  const { fed = false, ...rest } = more;
  const given: Record<string, Value> = {
    ...(region === undefined ? {} : { region: floats(...region) }),
    ...(scales === undefined ? {} : { scales: floats(...scales) }),
    ...(sizes === undefined ? {} : { sizes: ints(...sizes) }),
  };
  const has = (key: string) => key in given ? key : "";
  const names = ["x", has("region"), has("scales"), ...(sizes === undefined ? [] : ["sizes"])];
  return {
    name,
    nodes: [makeNode("Resize", names, ["z"], attributes), makeNode("Mul", ["z", "z"], ["y"])],
    inputs: { x: normal(1, dims), ...(fed ? given : {}) },
    fixed: ["region", "scales"],
    ...(fed ? {} : { initializers: given }),
    precision: "float",
    step: 0.5,
    tolerance: 3e-6,
    ...rest,
  };
};

const image = [1, 2, 4, 5];
const coordinates = [
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
  "tf_half_pixel_for_nn",
];
const rounding = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];
const named = { symbols: { x: ["N", "C", "H", "W"] } };

const cases: readonly GradientCase[] = [
  ...["linear", "cubic"].flatMap((mode) =>
    coordinates.flatMap((coordinate) => [
      resize(`${mode}, larger, ${coordinate}`, image, { scales: [1, 1, 2, 1.7] }, {
        mode,
        coordinate_transformation_mode: coordinate,
      }),
      resize(`${mode}, smaller, ${coordinate}`, image, { sizes: [1, 2, 3, 2] }, {
        mode,
        coordinate_transformation_mode: coordinate,
      }),
    ])
  ),
  ...coordinates.flatMap((coordinate) =>
    rounding.flatMap((nearest_mode) => [
      resize(`nearest, ${coordinate}, ${nearest_mode}`, image, { scales: [1, 1, 2, 3] }, {
        coordinate_transformation_mode: coordinate,
        nearest_mode,
      }),
      resize(`nearest to sizes, ${coordinate}, ${nearest_mode}`, image, { sizes: [1, 2, 3, 8] }, {
        coordinate_transformation_mode: coordinate,
        nearest_mode,
      }),
    ])
  ),
  ...["nearest", "linear"].flatMap((mode) => [
    resize(`${mode}, a region`, image, {
      region: [0, 0, 0.2, -0.1, 1, 1, 0.7, 1.2],
      sizes: [1, 2, 6, 4],
    }, {
      mode,
      coordinate_transformation_mode: "tf_crop_and_resize",
      extrapolation_value: float(0.5),
    }),
    resize(`${mode} of unknown sizes by scales`, image, { scales: [1, 1, 2, 3] }, { mode }, named),
    resize(`${mode} of unknown sizes to sizes`, image, { sizes: [1, 2, 7, 3] }, { mode }, named),
    resize(`${mode} by fed scales`, image, { scales: [1, 1, 0.7, 2] }, { mode }, {
      ...named,
      fed: true,
    }),
    resize(`${mode} to fed sizes`, image, { sizes: [1, 2, 7, 3] }, { mode }, {
      ...named,
      fed: true,
    }),
    resize(`${mode}, a scale that keeps the size`, image, { scales: [1, 1, 1.1, 1] }, { mode }),
    resize(`${mode}, a scale that keeps the size beside another`, image, {
      scales: [1, 1, 1.2, 2.5],
    }, { mode }),
    resize(`${mode}, a scale that may keep the size`, image, { scales: [1, 1, 1.2, 1.1] }, {
      mode,
    }, named),
    resize(
      `${mode}, a scale that may keep the size beside another`,
      image,
      {
        scales: [1, 1, 1.2, 2.5],
      },
      { mode },
      named,
    ),
    resize(`${mode} of chosen axes`, image, { scales: [2, 0.6] }, { mode, axes: [3, 2] }),
    resize(`${mode} of three axes`, [1, 1, 2, 3, 2], { scales: [1, 1, 2, 2, 1.5] }, { mode }),
    resize(`${mode} of a matrix`, [3, 4], { sizes: [5, 4] }, { mode }),
    resize(`${mode} of opset 11 with empty scales`, image, {
      region: [],
      scales: [],
      sizes: [1, 2, 7, 3],
    }, {
      mode,
    }, { opset: 11 }),
    resize(`${mode} of opset 13`, image, { sizes: [1, 2, 7, 3] }, { mode }, { opset: 13 }),
  ]),
  resize("nearest of a vector", [4], { scales: [2.5] }),
  resize("nearest of blocks of three", [1, 1, 1, 20], { scales: [1, 1, 1, 3] }),
  resize("nearest of blocks of five at lower corners", [1, 1, 1, 20], { scales: [1, 1, 1, 5] }, {
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: "floor",
  }),
  resize("nearest of the same size", image, { sizes: image }),
  resize("cubic, weights outside excluded", image, { scales: [1, 1, 2, 1.5] }, {
    mode: "cubic",
    exclude_outside: 1,
    cubic_coeff_a: float(-0.5),
  }),
  ...["linear", "cubic"].map((mode) =>
    resize(`${mode}, antialiased`, [1, 2, 6, 8], { scales: [1, 1, 0.5, 0.4] }, {
      mode,
      antialias: 1,
    })
  ),
];

/** The older forms, whose scales are the only input after x. */
const older = (
  opType: string,
  name: string,
  opset: number,
  scales: number[],
  attributes: Record<string, AttributeValue>,
): GradientCase => ({
  ...resize(`${opType} ${name}`, image, { scales }, {}),
  nodes: [
    makeNode(opType, opset < 9 ? ["x"] : ["x", "scales"], ["z"], attributes),
    makeNode("Mul", ["z", "z"], ["y"]),
  ],
  ...(opset < 9 ? { initializers: {} } : {}),
  opset,
});

const olderCases: readonly GradientCase[] = ["nearest", "linear"].flatMap((mode) => [
  older("Upsample", `of opset 7, ${mode}`, 7, [], { mode, scales: { floats: [1, 1, 2, 1.5] } }),
  older("Upsample", `of opset 9, ${mode}`, 9, [1, 1, 2, 2.5], { mode }),
  older("Resize", `of opset 10, larger, ${mode}`, 10, [1, 1, 2, 1.5], { mode }),
  older("Resize", `of opset 10, smaller, ${mode}`, 10, [1, 1, 0.6, 0.5], { mode }),
]);

testGradients("Resize has the gradient that differences give", [...cases, ...olderCases]);

const modelOf = ({ nodes, inputs, initializers = {}, symbols = {}, opset = 18 }: GradientCase) =>
  makeModel({
    nodes: [...nodes, makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 })],
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, v]) => [name, { type: 1, ...v }]),
    ),
    initializers,
    symbols,
    opset,
    outputs: ["loss"],
  });

Deno.test("Resize by whole numbers sums over blocks, without a matrix", () => {
  const test = resize("", image, { scales: [1, 1, 2, 2] }, {}, named);
  const { model } = differentiate(modelOf(test), { output: "loss", trainable: ["x"] });
  const operators = model.graph!.node.map((node) => node.opType);
  assert.ok(!operators.includes("MatMul"));
  assert.equal(operators.filter((type) => type === "Resize").length, 1);
});

Deno.test("Resize keeps symbolic sizes", () => {
  const dims = (target: Target) =>
    loadGraph(modelOf(resize("", image, target, {}, named)), ruleFor).b.dims("z");
  assert.deepEqual(dims({ scales: [1, 1, 2, 3] }), ["N", "C", "2*H", "3*W"]);
  assert.deepEqual(dims({ sizes: [1, 2, 7, 3] }), [1, 2, 7, 3]);
  assert.deepEqual(dims({ scales: [1, 1, 0.5, 1] }).map((d) => String(d).replace(/\d+/, "")), [
    "N",
    "C",
    "unknown_",
    "W",
  ]);
});

Deno.test("Resize refuses what it cannot differentiate", () => {
  const gradient = (test: GradientCase) => () =>
    differentiate(modelOf(test), { output: "loss", trainable: ["x"] });
  assert.throws(
    gradient(resize("", image, { sizes: [4, 4] }, {
      axes: [2, 3],
      keep_aspect_ratio_policy: "not_larger",
    })),
    /Cannot differentiate Resize "Resize of z": keep_aspect_ratio_policy "not_larger" has no rule/,
  );
  assert.throws(
    gradient(older("Resize", "", 10, [1, 1, 2, 0.5], { mode: "nearest" })),
    /Cannot read Resize "Resize of z": scales \[1,1,2,0.5\] enlarge and shrink at once/,
  );
});
