import {
  currentOrt,
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  testGradients,
  type Value,
} from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import type { AttributeValue } from "../model/attributes.ts";
import { writeModel } from "../model/read_model.ts";
import assert from "node:assert/strict";

const index = (dims: readonly number[], ...data: number[]): Value => ({ dims, data, type: 7 });

/** Squares of what is taken: a gradient that is linear in it makes the second order visible. */
const take = (
  opType: string,
  name: string,
  dims: readonly number[],
  indices: Value,
  attributes: Record<string, AttributeValue> = {},
  more: Partial<GradientCase> & { stored?: boolean } = {},
): GradientCase => {
  const { stored = false, ...rest } = more;
  return {
    name: `${opType} ${name}`,
    nodes: [
      makeNode(opType, ["x", "i"], ["z"], attributes),
      makeNode("Mul", ["z", "z"], ["y"]),
    ],
    ...rest,
    inputs: { x: normal(1, dims), ...(stored ? {} : { i: indices }) },
    ...(stored ? { initializers: { i: indices } } : {}),
  };
};

const named = { symbols: { x: ["N", "T", "D"], i: ["A", "B"] } };

const cases: readonly GradientCase[] = [
  take("Gather", "of rows of a table", [5, 3], index([2, 2], 4, 0, 4, 1)),
  take("Gather", "with negative indices", [5, 3], index([4], -1, 4, -5, 0)),
  take("Gather", "of a scalar index", [5, 3], index([], 2)),
  take("Gather", "of a known scalar index", [2, 5, 3], index([], -2), { axis: 1 }, {
    stored: true,
  }),
  take("Gather", "of a known vector of one", [2, 5, 3], index([1], 4), { axis: 1 }, {
    stored: true,
  }),
  take("Gather", "of the only place", [2, 1, 3], index([], 0), { axis: 1 }, { stored: true }),
  take("Gather", "of known indices", [2, 5, 3], index([3], 4, 0, 4), { axis: 1 }, { stored: true }),
  take("Gather", "along the last axis", [2, 3, 5], index([2, 2], 4, 0, 4, -1), { axis: -1 }),
  take("Gather", "along a middle axis", [2, 5, 3, 2], index([2, 3], 4, 0, 4, 1, 1, 2), { axis: 1 }),
  take("Gather", "of a scalar along an axis", [2, 5, 3], index([], 2), { axis: 2 }),
  take("Gather", "of a vector", [5], index([3], 4, 0, 4)),
  take("Gather", "of unknown sizes", [2, 5, 3], index([2, 2], 4, 0, 4, -1), { axis: 1 }, named),
  take("Gather", "of no indices", [5, 3], index([0])),
  take("Gather", "by int32", [5, 3], { ...index([3], 4, -1, 0), type: 6 }),
  take("Gather", "of opset 7", [5, 3], index([3], 4, 1, 4), {}, { opset: 7 }),
  take("GatherElements", "along the first axis", [3, 2], index([2, 2], 0, 2, 0, -1)),
  take("GatherElements", "along the last axis", [2, 4], index([2, 3], 0, 2, 0, -1, 1, 1), {
    axis: -1,
  }),
  take("GatherElements", "with fewer rows than the data", [4, 3], index([2, 2], 0, 2, 0, 1), {
    axis: 1,
  }),
  take(
    "GatherElements",
    "of unknown sizes",
    [2, 3, 2],
    index([1, 2, 2], 0, 2, 0, -1),
    { axis: 1 },
    {
      symbols: { x: ["N", "T", "D"], i: ["A", "B", "C"] },
    },
  ),
  take("GatherElements", "of opset 11", [3, 2], index([2, 2], 0, 2, 0, -1), {}, { opset: 11 }),
  take("GatherND", "of elements", [3, 4], index([3, 2], 0, 1, 2, -1, 0, 1)),
  take("GatherND", "of rows", [3, 4], index([2, 2, 1], 0, 2, 2, -2)),
  take("GatherND", "with batch_dims 1", [2, 3, 4], index([2, 2, 1], 0, 2, 1, 1), { batch_dims: 1 }),
  take("GatherND", "with batch_dims 2", [2, 3, 4], index([2, 3, 1], 0, 2, 1, 1, -1, 3), {
    batch_dims: 2,
  }),
  take("GatherND", "with batch_dims and unknown sizes", [2, 3, 4], index([2, 2, 1], 0, 2, 1, 1), {
    batch_dims: 1,
  }, { symbols: { x: ["N", "T", "D"], i: ["N", "K", 1] } }),
  take("GatherND", "of opset 11", [3, 4], index([2, 1], 0, 2), {}, { opset: 11 }),
];

testGradients("Taking by index has the gradient that central differences give", cases);

/** ONNX Runtime's ScatterND loses updates of repeated indices to races between its threads. */
Deno.test("Rows that are taken often have the whole gradient with many threads", async () => {
  const [rows, width, count] = [10, 64, 4000];
  const float = (dims: number[]): Value => ({ dims, data: [], type: 1 });
  const variants = [["Gather", [count]], ["GatherND", [count, 1]]] as const;
  for (const [opType, dims] of variants) {
    const model = makeModel({
      nodes: [
        makeNode(opType, ["x", "i"], ["y"]),
        makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 }),
      ],
      inputs: { x: float([rows, width]), i: index(dims) },
      outputs: ["loss"],
    });
    const gradient = differentiate(model, { output: "loss", trainable: ["x"] });
    const ort = currentOrt();
    const session = await ort.InferenceSession.create(writeModel(gradient.model), {
      intraOpNumThreads: 4,
    });
    const at = BigInt64Array.from({ length: count }, (_, k) => BigInt(k * 7 % rows));
    const feeds = {
      x: new ort.Tensor("float32", new Float32Array(rows * width), [rows, width]),
      i: new ort.Tensor("int64", at, dims),
    };
    for (let run = 0; run < 5; run++) {
      const { x_grad } = await session.run(feeds);
      assert.deepEqual(
        Array.from(x_grad!.data, Number),
        Array(rows * width).fill(count / rows),
        opType,
      );
    }
    await session.release();
  }
});
