import {
  compare,
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  runModel,
  testGradients,
} from "../_testing.ts";
import type { AttributeValue } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import assert from "node:assert/strict";

const { INT64, DOUBLE } = DataType;
const positive = (x: number) => 0.5 + x * x;
/** Away from 0, where |x| has a kink. */
const away = (x: number) => x + Math.sign(x) * 0.2;

interface Variant {
  readonly name: string;
  readonly axes?: readonly number[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly opset?: number;
  readonly symbols?: GradientCase["symbols"];
  /** Axes as a graph input: known to the run alone. */
  readonly dynamic?: boolean;
}

const variants: readonly Variant[] = [
  { name: "over all" },
  { name: "over all, to a scalar", attributes: { keepdims: 0 } },
  { name: "over the last axis", axes: [-1] },
  { name: "over two axes, dropped", axes: [0, -1], attributes: { keepdims: 0 } },
  { name: "over a middle axis of unknown sizes", axes: [1], symbols: { x: ["N", "T", "C"] } },
  {
    name: "over an axis of unknown sizes, dropped",
    axes: [1],
    attributes: { keepdims: 0 },
    symbols: { x: ["N", "T", "C"] },
  },
  { name: "over computed axes", axes: [1, 2], dynamic: true },
  { name: "over computed axes, dropped", axes: [1], attributes: { keepdims: 0 }, dynamic: true },
  { name: "over no axes", attributes: { noop_with_empty_axes: 1 } },
  { name: "of opset 11", axes: [1], opset: 11 },
  { name: "of opset 13, dropped", axes: [0, 2], attributes: { keepdims: 0 }, opset: 13 },
];

const operators: Readonly<Record<string, (x: number) => number>> = {
  ReduceSum: (x) => x,
  ReduceMean: (x) => x,
  ReduceMax: (x) => x,
  ReduceMin: (x) => x,
  ReduceSumSquare: (x) => x,
  ReduceL1: away,
  ReduceL2: (x) => x,
  ReduceLogSum: positive,
  ReduceLogSumExp: (x) => x,
  ReduceProd: (x) => x,
};

function reduction(opType: string, v: Variant): GradientCase {
  const opset = v.opset ?? 18;
  const asInput = opset >= 18 || (opType === "ReduceSum" && opset >= 13);
  const { axes, attributes = {}, dynamic = false } = v;
  const given = axes !== undefined && asInput;
  const value = { dims: [axes?.length ?? 0], data: axes ?? [], type: INT64 };
  return {
    name: `${opType} ${v.name}`,
    nodes: [
      makeNode(opType, given ? ["x", "axes"] : ["x"], ["y"], {
        ...attributes,
        ...(axes !== undefined && !asInput ? { axes } : {}),
      }),
    ],
    inputs: {
      x: normal(3, [2, 3, 4], operators[opType]),
      ...(given && dynamic ? { axes: value } : {}),
    },
    ...(given && !dynamic ? { initializers: { axes: value } } : {}),
    opset,
    ...(v.symbols === undefined ? {} : { symbols: v.symbols }),
  };
}

for (const opType of Object.keys(operators)) {
  testGradients(
    `${opType} has the gradient that central differences give`,
    variants
      // What is left out of ReduceProd is refused, see products_test.ts.
      .filter((variant) => opType !== "ReduceProd" || !variant.dynamic)
      .filter((variant) => opType !== "ReduceSum" || variant.opset !== 13)
      .map((variant) => reduction(opType, variant)),
  );
}

/** Gradient by "x" of the sum of y. */
async function gradientAt(opType: string, dims: number[], data: number[]): Promise<number[]> {
  const x = { dims, data };
  const model = makeModel({
    nodes: [makeNode(opType, ["x", "axes"], ["r"]), makeNode("ReduceSum", ["r"], ["y"])],
    inputs: { x },
    initializers: { axes: { dims: [1], data: [1], type: INT64 } },
    outputs: ["y"],
  });
  const result = differentiate(model, { output: "y", trainable: ["x"] });
  return (await runModel(result.model, { x: { ...x, type: DOUBLE } }))["x_grad"]!.data;
}

Deno.test("ReduceMax and ReduceMin share the gradient between equal elements", async () => {
  assert.deepEqual(await gradientAt("ReduceMax", [2, 3], [1, 2, 2, 5, 4, 3]), [0, .5, .5, 1, 0, 0]);
  assert.deepEqual(await gradientAt("ReduceMin", [1, 4], [7, 7, 7, 7]), [.25, .25, .25, .25]);
});

Deno.test("ReduceL1 and ReduceL2 give 0, not NaN, to a row of zeros", async () => {
  // 6, 8 over a norm of 10: .6 and .8, rounded once more in x (∂y / y).
  compare(await gradientAt("ReduceL2", [2, 2], [0, 0, 6, 8]), [0, 0, .6, .8], 1e-15, "ReduceL2");
  assert.deepEqual(await gradientAt("ReduceL1", [2, 2], [0, 0, -3, 4]), [0, 0, -1, 1]);
});

Deno.test("ReduceLogSumExp gives 0, not NaN, to a row that is masked out", async () => {
  const [a, b, c, d] = await gradientAt("ReduceLogSumExp", [2, 2], [-Infinity, -Infinity, 0, 0]);
  assert.deepEqual([a, b, c, d], [0, 0, .5, .5]);
});

Deno.test("A reduction refuses an axis that its input does not have", async () => {
  await assert.rejects(
    () => gradientAt("ReduceSum", [3], [1, 2, 3]),
    /Cannot reduce in ReduceSum "ReduceSum of r": axis 1 of a value of rank 1/,
  );
});
