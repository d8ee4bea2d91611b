import assert from "node:assert/strict";
import { makeModel, makeNode } from "../../_testing.ts";
import { close, runOnCpu } from "../_testing.ts";
import { integers, random } from "../scenarios/cases.ts";
import { legalize } from "../legalize.ts";

interface Sum {
  readonly name: string;
  readonly dims: readonly number[];
  readonly axes?: readonly number[];
  readonly keepdims?: number;
  readonly symbols?: readonly (string | number)[];
  /** Whether a product takes its place. */
  readonly product: boolean;
}

const sums: readonly Sum[] = [
  { name: "rows", dims: [5, 3], axes: [0], product: true },
  { name: "rows, kept", dims: [5, 3], axes: [-2], keepdims: 1, product: true },
  { name: "two leading axes", dims: [2, 3, 4], axes: [1, 0], product: true },
  { name: "leading axes, kept", dims: [2, 3, 4, 2], axes: [0, 1], keepdims: 1, product: true },
  { name: "more rows than are written", dims: [5000, 2], axes: [0], product: true },
  { name: "unknown rows", dims: [5, 3], axes: [0], symbols: ["N", 3], product: true },
  { name: "unknown axes", dims: [2, 5, 3], axes: [0, 1], symbols: ["N", "T", 3], product: true },
  { name: "columns", dims: [5, 3], axes: [1], product: false },
  { name: "outer axes", dims: [2, 3, 4], axes: [0, 2], product: false },
  { name: "all", dims: [5, 3], product: false },
  { name: "unknown columns", dims: [5, 3], axes: [0], symbols: [5, "C"], product: false },
];

Deno.test('legalize() for "cpu" sums over leading axes by a product with ones', async (t) => {
  for (const { name, dims, axes, keepdims = 0, symbols, product } of sums) {
    await t.step(name, async () => {
      const model = makeModel({
        nodes: [makeNode("ReduceSum", axes ? ["x", "axes"] : ["x"], ["y"], { keepdims })],
        inputs: { x: random(1, dims) },
        ...(symbols ? { symbols: { x: symbols } } : {}),
        initializers: axes ? { axes: integers([axes.length], [...axes]) } : {},
        outputs: ["y"],
      });
      const { model: legal } = legalize(model, "cpu");
      const types = legal.graph!.node.map((n) => n.opType);
      assert.deepEqual([types.includes("MatMul"), types.includes("ReduceSum")], [
        product,
        !product,
      ]);
      const feeds = { x: random(2, dims) };
      close(await runOnCpu(legal, feeds), await runOnCpu(model, feeds), 1e-5, name);
    });
  }
});

interface Transposed {
  readonly name: string;
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly bias?: boolean;
  readonly attributes?: Record<string, number | readonly number[] | string>;
  /** Whether a convolution takes its place. */
  readonly turned: boolean;
}

const transposed: readonly Transposed[] = [
  { name: "no padding", x: [2, 3, 4, 5], w: [3, 8, 3, 2], turned: true },
  {
    name: "padding that differs by side, and a bias",
    x: [2, 3, 6, 5],
    w: [3, 9, 3, 4],
    bias: true,
    attributes: { pads: [1, 0, 2, 3] },
    turned: true,
  },
  {
    name: "dilations",
    x: [1, 4, 5, 4],
    w: [4, 8, 3, 3],
    attributes: { dilations: [2, 1], pads: [3, 1, 1, 2] },
    turned: true,
  },
  { name: "one axis", x: [2, 3, 7], w: [3, 8, 3], attributes: { pads: [1, 1] }, turned: true },
  { name: "three axes", x: [1, 2, 3, 4, 2], w: [2, 8, 2, 3, 1], turned: true },
  {
    name: "the size stays",
    x: [2, 3, 4, 4],
    w: [3, 8, 2, 3],
    attributes: { auto_pad: "SAME_LOWER" },
    turned: true,
  },
  {
    name: "strides",
    x: [1, 2, 3, 3],
    w: [2, 8, 3, 3],
    attributes: { strides: [2, 1] },
    turned: false,
  },
  { name: "groups", x: [1, 4, 3, 3], w: [4, 8, 2, 2], attributes: { group: 2 }, turned: false },
  { name: "few channels", x: [1, 4, 3, 3], w: [4, 7, 2, 2], turned: false },
  { name: "many channels", x: [1, 2, 3, 3], w: [2, 129, 2, 2], turned: false },
  {
    name: "a window that padding covers",
    x: [1, 2, 5, 5],
    w: [2, 8, 2, 2],
    attributes: { pads: [2, 0, 0, 0] },
    turned: false,
  },
  {
    name: "a size that is asked for",
    x: [1, 2, 3, 3],
    w: [2, 8, 3, 3],
    attributes: { output_shape: [4, 4] },
    turned: false,
  },
];

Deno.test('legalize() for "cpu" with threads makes convolutions of transposed ones', async (t) => {
  for (const { name, x, w, bias = false, attributes = {}, turned } of transposed) {
    await t.step(name, async () => {
      const model = makeModel({
        nodes: [makeNode("ConvTranspose", ["x", "w", ...(bias ? ["b"] : [])], ["y"], attributes)],
        inputs: { x: random(1, x) },
        initializers: { w: random(2, w), ...(bias ? { b: random(3, [w[1]!]) } : {}) },
        outputs: ["y"],
      });
      const typesFor = (threads?: number) =>
        legalize(model, "cpu", threads === undefined ? {} : { threads })
          .model.graph!.node.map((n) => n.opType);
      for (const one of [undefined, 1]) assert.ok(typesFor(one).includes("ConvTranspose"));
      const legal = legalize(model, "cpu", { threads: 2 }).model;
      const types = typesFor(2);
      assert.deepEqual([types.includes("Conv"), types.includes("ConvTranspose")], [
        turned,
        !turned,
      ]);
      const feeds = { x: random(4, x) };
      close(await runOnCpu(legal, feeds), await runOnCpu(model, feeds), 1e-5, name);
    });
  }
});

interface WeightGradient {
  readonly name: string;
  readonly x: readonly number[];
  readonly dy: readonly number[];
  readonly attributes?: Record<string, number | readonly number[]>;
  /** Whether a product takes its place. */
  readonly split: boolean;
}

const weightGradients: readonly WeightGradient[] = [
  { name: "5×5", x: [3, 4, 9, 8], dy: [3, 2, 5, 4], split: true },
  {
    name: "7×4, padding that differs by side",
    x: [2, 5, 6, 7],
    dy: [2, 3, 3, 6],
    attributes: { pads: [2, 0, 1, 2] },
    split: true,
  },
  { name: "3×3", x: [2, 4, 6, 6], dy: [2, 2, 4, 4], split: false },
  {
    name: "strides",
    x: [2, 4, 11, 11],
    dy: [2, 2, 4, 4],
    attributes: { dilations: [2, 2] },
    split: false,
  },
];

Deno.test('legalize() for "cpu" makes products of gradients of large windows', async (t) => {
  for (const { name, x, dy, attributes = {}, split } of weightGradients) {
    await t.step(name, async () => {
      const perm = [1, 0, 2, 3];
      const model = makeModel({
        nodes: [
          makeNode("Transpose", ["x"], ["xt"], { perm }),
          makeNode("Transpose", ["dy"], ["dt"], { perm }),
          makeNode("Conv", ["xt", "dt"], ["dw"], attributes),
        ],
        inputs: { x: random(1, x), dy: random(2, dy) },
        symbols: { x: ["N", ...x.slice(1)], dy: ["N", ...dy.slice(1)] },
        initializers: {},
        outputs: ["dw"],
      });
      const legal = legalize(model, "cpu").model;
      assert.equal(legal.graph!.node.some((n) => n.opType === "MatMul"), split);
      const feeds = { x: random(3, x), dy: random(4, dy) };
      close(await runOnCpu(legal, feeds), await runOnCpu(model, feeds), 1e-5, name);
    });
  }
});

Deno.test('legalize() for "cpu" makes flags of what is transposed twice', async () => {
  const model = (batch: number) =>
    makeModel({
      nodes: [
        makeNode("Transpose", ["x"], ["x1"], { perm: [0, 2, 3, 1] }),
        makeNode("Transpose", ["x1"], ["x2"], { perm: [0, 1, 3, 2] }),
        makeNode("Transpose", ["y"], ["y1"], { perm: [0, 2, 1, 3] }),
        makeNode("Transpose", ["y1"], ["y2"], { perm: [0, 1, 3, 2] }),
        makeNode("MatMul", ["x2", "y2"], ["z"]),
        makeNode("MatMul", ["x2", "x1"], ["square"]),
      ],
      inputs: { x: random(1, [2, 5, 3, 4]), y: random(2, [batch, 6, 3, 4]) },
      initializers: {},
      outputs: ["z", "square"],
    });
  const feeds = { x: random(3, [2, 5, 3, 4]), y: random(4, [2, 6, 3, 4]) };
  const legal = legalize(model(2), "cpu").model;
  const types = legal.graph!.node.map(({ opType }) => opType).sort();
  assert.deepEqual(types, ["FusedMatMul", "FusedMatMul", "Transpose", "Transpose"]);
  close(await runOnCpu(legal, feeds), await runOnCpu(model(2), feeds), 1e-5, "flags");
  // Legal models are read again.
  close(
    await runOnCpu(legalize(legal, "cpu").model, feeds),
    await runOnCpu(legal, feeds),
    1e-5,
    "again",
  );
  const broadcast = legalize(model(1), "cpu").model.graph!.node;
  assert.equal(broadcast.filter(({ opType }) => opType === "FusedMatMul").length, 1);
});
