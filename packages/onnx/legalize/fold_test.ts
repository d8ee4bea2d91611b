// What legalize() folds keeps its value, whatever its type.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { makeModel, makeNode, runModel } from "../_testing.ts";
import { makeAttribute } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { writeModel } from "../model/read_model.ts";
import { makeTensor, tensorData, tensorDims } from "../model/tensor.ts";
import { create } from "../proto/create.ts";
import { AttributeProto, type ModelProto, TensorProto } from "../proto/onnx_pb.ts";
import { keyOf } from "../graph/common.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { legalize } from "./legalize.ts";

const { FLOAT, FLOAT16, INT32, INT64, STRING, UINT64, BOOL } = DataType;
const require = createRequire(import.meta.url);
const encoder = new TextEncoder();

const strings = (name: string, ...values: string[]) =>
  create(TensorProto, {
    name,
    dataType: STRING,
    dims: [BigInt(values.length)],
    stringData: values.map((v) => encoder.encode(v)),
  });

/** Nodes with an attribute each that differ in nothing else, of any kind that the format has. */
const different: Readonly<Record<string, readonly Partial<AttributeProto>[]>> = {
  "uint64 data": [1n, 2n].map((v) => ({
    type: 4,
    t: create(TensorProto, { dataType: UINT64, dims: [1n], uint64Data: [v] }),
  })),
  "strings of a tensor": [["a", "b"], ["a,b"]].map((v) => ({ type: 4, t: strings("", ...v) })),
  "strings": [["a", "b"], ["a,b"]].map((v) => ({
    type: 8,
    strings: v.map((s) => encoder.encode(s)),
  })),
  "names of external data": ["one", "two"].map((value) => ({
    type: 4,
    t: create(TensorProto, {
      dataType: FLOAT,
      dims: [1n],
      dataLocation: 1,
      externalData: [{ key: "location", value }],
    }),
  })),
  "tensors": [1, 2].map((v) => ({
    type: 9,
    tensors: [makeTensor("", FLOAT, [], Float32Array.of(v))],
  })),
  "sparse values": [1, 2].map((v) => ({
    type: 11,
    sparseTensor: {
      values: makeTensor("", FLOAT, [1], Float32Array.of(v)),
      indices: makeTensor("", INT64, [1], BigInt64Array.of(0n)),
      dims: [3n],
    },
  })),
  "signs of zero": [0, -0].map((f) => ({ type: 1, f })),
};

Deno.test("Nodes whose attributes differ in any kind of content are not taken for one", async (t) => {
  for (const [name, attributes] of Object.entries(different)) {
    await t.step(name, () => {
      const [one, other, copy] = [...attributes, attributes[0]!].map((content) => {
        const attribute = create(AttributeProto, { name: "value" });
        return keyOf({
          ...makeNode("F", ["x"], ["y"]),
          attribute: [Object.assign(attribute, content)],
        });
      });
      assert.notEqual(one, other);
      assert.equal(one, copy);
    });
  }
  await t.step("names with commas", () => {
    assert.notEqual(keyOf(makeNode("F", ["a,b"], ["y"])), keyOf(makeNode("F", ["a", "b"], ["y"])));
  });
});

Deno.test("legalize() keeps two constants of uint64 apart", async () => {
  const constant = (v: bigint, output: string) => ({
    ...makeNode("ConstantOfShape", ["shape"], [output]),
    attribute: [
      makeAttribute(
        "value",
        create(TensorProto, { dataType: UINT64, dims: [1n], uint64Data: [v] }),
      ),
    ],
  });
  const model = makeModel({
    nodes: [
      makeNode("Shape", ["x"], ["shape"]),
      constant(1n, "p"),
      constant(2n, "q"),
      makeNode("Cast", ["p"], ["one"], { to: INT64 }),
      makeNode("Cast", ["q"], ["two"], { to: INT64 }),
    ],
    inputs: { x: { dims: [2], data: [0, 0] } },
    symbols: { x: ["N"] },
    outputs: ["one", "two"],
  });
  const { one, two } = await runModel(legalize(model, "cpu").model, {
    x: { dims: [2], data: [0, 0] },
  });
  assert.deepEqual([one!.data, two!.data], [[1, 1], [2, 2]]);
});

/** A model over a stored tensor: nodes from "c" to "out", beside a parameter that may be trained. */
function over(tensor: TensorProto, nodes: ReturnType<typeof makeNode>[]): ModelProto {
  const model = makeModel({
    nodes: [makeNode("Mul", ["x", "w"], ["y"]), ...nodes],
    inputs: { x: { dims: [2], data: [1, 2], type: FLOAT } },
    initializers: { w: { dims: [2], data: [3, 4], type: FLOAT } },
    outputs: ["y", "out"],
  });
  model.graph!.initializer.push({ ...tensor, name: "c" });
  return model;
}

async function outOf(model: ModelProto): Promise<{ data: unknown[]; dims: readonly number[] }> {
  const ort = require("onnxruntime-node");
  const session = await ort.InferenceSession.create(writeModel(model));
  try {
    const feeds = Object.fromEntries(session.inputNames.map((name: string) => [
      name,
      new ort.Tensor("float32", Float32Array.of(1, 2), [2]),
    ]));
    const { out } = await session.run(feeds, ["out"]);
    return { data: Array.from(out.data as ArrayLike<unknown>), dims: out.dims };
  } finally {
    await session.release();
  }
}

const names = strings("c", "cat", "a,b", "");
const large = makeTensor(
  "c",
  INT64,
  [3],
  BigInt64Array.of(2n ** 53n + 1n, -(2n ** 62n) - 1n, 2n ** 63n - 1n),
);
const kept: readonly [string, TensorProto, ReturnType<typeof makeNode>[]][] = [
  ["strings behind Identity", names, [makeNode("Identity", ["c"], ["out"])]],
  ["strings behind Reshape", names, [
    makeNode("Reshape", ["c", "shape"], ["r"]),
    makeNode("Identity", ["r"], ["out"]),
  ]],
  ["numbers cast to strings", makeTensor("c", INT64, [2], BigInt64Array.of(7n, -1n)), [
    makeNode("Cast", ["c"], ["out"], { to: STRING }),
  ]],
  ...["Identity", "Flatten", "Squeeze", "Cast", "Reshape"].map((opType) =>
    [`int64 beyond 2⁵³ behind ${opType}`, large, [
      opType === "Reshape"
        ? makeNode(opType, ["c", "shape"], ["r"])
        : makeNode(opType, ["c"], ["r"], opType === "Cast" ? { to: UINT64 } : {}),
      ...(opType === "Cast"
        ? [makeNode("Cast", ["r"], ["back"], { to: INT64 })]
        : [makeNode("Identity", ["r"], ["back"])]),
      // What is left of doubles that were too large.
      makeNode("Sub", ["back", "c0"], ["out"]),
    ]] as [string, TensorProto, ReturnType<typeof makeNode>[]]
  ),
  ["float16 cast to float32", makeTensor("c", FLOAT16, [2], Uint16Array.of(0x3c00, 0xc000)), [
    makeNode("Cast", ["c"], ["out"], { to: FLOAT }),
  ]],
  [
    "int64 cast to int32, bool and back",
    makeTensor("c", INT64, [3], BigInt64Array.of(2n ** 32n + 5n, 0n, -1n)),
    [
      makeNode("Cast", ["c"], ["narrow"], { to: INT32 }),
      makeNode("Cast", ["narrow"], ["b"], { to: BOOL }),
      makeNode("Cast", ["narrow"], ["wide"], { to: INT64 }),
      makeNode("Cast", ["b"], ["one"], { to: INT64 }),
      makeNode("Add", ["wide", "one"], ["out"]),
    ],
  ],
];

Deno.test("Folding keeps strings, large integers and half precision", async (t) => {
  for (const [name, tensor, nodes] of kept) {
    await t.step(name, async () => {
      const size = tensorDims(tensor).reduce((a, d) => a * d, 1);
      const model = over(tensor, nodes);
      model.graph!.initializer.push(
        makeTensor("shape", INT64, [2], BigInt64Array.of(1n, BigInt(size))),
        makeTensor("c0", INT64, [1], BigInt64Array.of(2n ** 53n)),
      );
      const expected = await outOf(model);
      assert.deepEqual(await outOf(legalize(model, "cpu").model), expected);
      const { model: gradient } = differentiate(model, {
        loss: { type: "mse" },
        parameters: "constants",
      });
      assert.ok(gradient.graph!.output.some((o) => o.name === "w_grad"));
    });
  }
});

Deno.test("Arithmetic of shapes does not go on from an int64 that no double holds", () => {
  const model = makeModel({
    nodes: [
      makeNode("Div", ["huge", "part"], ["i"]),
      makeNode("Cast", ["i"], ["y"], { to: FLOAT }),
    ],
    outputs: ["y"],
  });
  model.graph!.initializer.push(
    makeTensor("huge", INT64, [1], BigInt64Array.of(2n ** 60n)),
    makeTensor("part", INT64, [1], BigInt64Array.of(2n ** 30n)),
  );
  const { graph } = legalize(model, "cpu").model;
  const folded = graph!.initializer.find((t) => t.name === "i" || t.name === "y");
  // Either it is computed in the graph, or it is right.
  if (folded !== undefined) assert.deepEqual(Array.from(tensorData(folded), Number), [2 ** 30]);
});
