import assert from "node:assert/strict";
import { makeModel, makeNode } from "../_testing.ts";
import { close, runOnCpu } from "./_testing.ts";
import { integers, random } from "./cases/_testing.ts";
import { legalize } from "./legalize.ts";

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
