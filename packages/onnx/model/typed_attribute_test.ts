import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { float } from "./attributes.ts";
import { attributeKinds } from "./attribute_kinds.ts";
import { buildModel } from "./build_model.ts";
import { OnnxError } from "./onnx_error.ts";
import { writeModel } from "./read_model.ts";

const ort = createRequire(import.meta.url)("onnxruntime-node");

/** `y = op(x)` of x = [-1, 2], run in ONNX Runtime. */
async function run(opType: string, attributes: Record<string, unknown>, inputs = ["x"]) {
  const m = buildModel();
  m.input("x", [1, 2]);
  m.parameter("w", [2, 1], Float32Array.of(3, 5));
  m.output(m.op(opType, inputs, attributes as never, "y"));
  const session = await ort.InferenceSession.create(writeModel(m.build()));
  const { y } = await session.run({ x: new ort.Tensor("float32", [-1, 2], [1, 2]) });
  await session.release();
  return [...y.data].map((v: number) => Math.round(1e5 * v) / 1e5);
}

Deno.test("Numbers become floats or integers as the operator's schema says", async () => {
  const e = Math.exp(-1) - 1;
  const round = (v: number) => Math.round(1e5 * v) / 1e5;
  assert.deepEqual(await run("LeakyRelu", { alpha: 0.1 }), [-0.1, 2]);
  assert.deepEqual(await run("LeakyRelu", { alpha: 1 }), [-1, 2]);
  assert.deepEqual(await run("LeakyRelu", { alpha: float(0.5) }), [-0.5, 2]);
  assert.deepEqual(await run("LeakyRelu", { alpha: { float: 0.25 } }), [-0.25, 2]);
  assert.deepEqual(await run("Elu", { alpha: 2 }), [round(2 * e), 2]);
  assert.deepEqual(await run("Elu", { alpha: undefined }), [round(e), 2]);
  // −1·3 + 2·5 = 7
  assert.deepEqual(await run("Gemm", { alpha: 2, transA: 0 }, ["x", "w"]), [14]);
  assert.deepEqual(await run("Softmax", { axis: 0 }), [1, 1]);
});

Deno.test("Attributes of a wrong kind, and unknown ones, are refused by operator and name", () => {
  const refused: [string, Record<string, unknown>, RegExp][] = [
    [
      "LeakyRelu",
      { alpha: "0.1" },
      /Cannot add LeakyRelu: attribute "alpha" is "0.1", expected a number/,
    ],
    ["LeakyRelu", { alpha: null }, /attribute "alpha" is null/],
    ["LeakyRelu", { alpha: true }, /attribute "alpha" is true/],
    ["LeakyRelu", { alfa: 0.1 }, /attribute "alfa" is none of the operator's \(alpha\)/],
    ["Relu", { alpha: 0.1 }, /attribute "alpha" is none of the operator's, which has none/],
    ["Softmax", { axis: 0.5 }, /attribute "axis" is 0.5, expected a whole number/],
    ["Softmax", { axis: float(1) }, /attribute "axis" is float\(1\), expected a whole number/],
    [
      "Transpose",
      { perm: [0, 0.5] },
      /attribute "perm" is \[0,0.5\], expected a list of whole numbers/,
    ],
    ["Unheard", { alpha: 0.1 }, /attribute "alpha" is 0.1: .* write float\(0.1\)/],
  ];
  for (const [opType, attributes, message] of refused) {
    const m = buildModel();
    const x = m.input("x", [1, 2]);
    assert.throws(
      () => m.node(opType, [x], ["y"], attributes as never, opType === "Unheard" ? "mine" : ""),
      (error: Error) => error instanceof OnnxError && message.test(error.message),
      opType,
    );
  }
});

Deno.test("attributeKinds() knows every operator and the kinds of its attributes", () => {
  assert.deepEqual(Object.fromEntries(attributeKinds("Gemm", "")!), {
    alpha: "f",
    beta: "f",
    transA: "i",
    transB: "i",
  });
  assert.equal(attributeKinds("Upsample", "ai.onnx")!.get("scales"), "F");
  assert.equal(attributeKinds("Relu", "")!.size, 0);
  assert.equal(attributeKinds("Relu", "mine"), undefined);
});
