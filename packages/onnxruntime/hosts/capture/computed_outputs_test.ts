import { buildModel, writeModel } from "@precond/onnx";
import assert from "node:assert/strict";
import { nodeOrt as ort } from "../../scenarios/builds.ts";
import { withComputedOutputs } from "./computed_outputs.ts";

Deno.test("withComputedOutputs() makes views computed, and changes no number", async () => {
  const m = buildModel();
  const x = m.input("x", [2, 3]);
  const sum = m.op("Add", [x, x], {}, "sum");
  const flat = m.op("Flatten", [m.op("Transpose", [x], {})], { axis: 0 }, "flat");
  m.output(sum);
  m.output(flat);
  // Read inside, too.
  m.output(m.op("Mul", [flat, flat], {}, "square"));
  const model = m.build();
  const changed = withComputedOutputs(model);
  const maker = (name: string) =>
    changed.graph!.node.find(({ output }) => output.includes(name))!.opType;
  assert.deepEqual(["sum", "flat", "square"].map(maker), ["Add", "Neg", "Mul"]);

  const data = Float32Array.of(1, -2, 3.5, 0, 1e-30, Infinity);
  const run = async (bytes: Uint8Array) => {
    const session = await ort.InferenceSession.create(bytes);
    const results = await session.run({ x: new ort.Tensor("float32", data, [2, 3]) });
    await session.release();
    return Object.entries(results).map(([name, t]) => [name, t.dims, t.data]);
  };
  assert.deepEqual(await run(writeModel(changed)), await run(writeModel(model)));
});
