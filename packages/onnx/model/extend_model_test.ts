import assert from "node:assert/strict";
import { compare, runModel } from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { addLora } from "../lora/add_lora.ts";
import { floats } from "../lora/_testing.ts";
import { buildModel } from "./build_model.ts";
import { DataType } from "./data_type.ts";
import { extendModel } from "./extend_model.ts";

/** `tanh(x W)` for each of T tokens. */
function encoder(opset: number) {
  const m = buildModel(opset);
  const w = m.parameter("fc.weight", [4, 3], new Float32Array(floats(1, [4, 3]).data));
  m.output(m.op("Tanh", [m.op("MatMul", [m.input("x", ["N", "T", 4]), w])], {}, "hidden"));
  return m.build();
}

for (const opset of [13, 17, 18, 21]) {
  Deno.test(`extendModel() writes nodes for the model's own operator set ${opset}`, async () => {
    const base = encoder(opset);
    const m = extendModel(base);
    assert.deepEqual(m.dims("hidden"), ["N", "T", 3]);
    assert.equal(m.dataType("hidden"), DataType.FLOAT);
    // Up to 17 the axes of ReduceMean are an attribute.
    const mean = opset < 18
      ? m.op("ReduceMean", ["hidden"], { axes: [1], keepdims: 0 }, "mean")
      : m.op("ReduceMean", ["hidden", m.parameter("axes", [1], BigInt64Array.of(1n))], {
        keepdims: 0,
      }, "mean");
    assert.deepEqual(m.dims(mean), ["N", 3]);
    m.output(mean);
    const extended = m.build();
    assert.deepEqual(extended.opsetImport, base.opsetImport);
    assert.deepEqual(extended.graph!.output.map(({ name }) => name), ["hidden", "mean"]);
    const x = floats(2, [2, 5, 4]);
    const { hidden, mean: found } = await runModel(extended, { x });
    const rows = [0, 1].flatMap((n) =>
      [0, 1, 2].map((d) =>
        [0, 1, 2, 3, 4].reduce((sum, t) => sum + hidden!.data[(n * 5 + t) * 3 + d]!, 0) / 5
      )
    );
    compare(found!.data, rows, 1e-6, "mean");
    // The model itself is as it was.
    assert.deepEqual(base.graph!.output.map(({ name }) => name), ["hidden"]);
    assert.deepEqual(base.graph!.node.length, 2);
  });
}

Deno.test("extendModel() takes further inputs, and what it made is trained as any model", () => {
  const m = extendModel(encoder(17));
  const scale = m.input("scale", ["N", "T", 1]);
  m.output(m.op("Mul", ["hidden", scale], {}, "scaled"));
  const { parameters } = differentiate(addLora(m.build(), { targets: "fc" }), {
    loss: { type: "mse", output: "scaled" },
  });
  assert.deepEqual(parameters, ["fc.lora_A.weight", "fc.lora_B.weight"]);
});

Deno.test("extendModel() refuses names that are taken, and values that are not there", () => {
  const m = extendModel(encoder(17));
  assert.throws(() => m.input("x", ["N"]), /input "x": the model already has a value of that name/);
  assert.throws(() => m.parameter("fc.weight", [1], new Float32Array(1)), /already has a value/);
  assert.throws(() => m.op("Relu", ["x"], {}, "hidden"), /output "hidden": the model already has/);
  assert.throws(() => m.op("Relu", ["y"]), /Cannot add Relu: there is no value "y"/);
  const five = m.parameter("five", [5], new Float32Array(5));
  assert.throws(() => m.op("Add", ["hidden", five]), /3 and 5|5 and 3|broadcast/i);
  assert.throws(() => m.output("hidden"), /Cannot make "hidden" an output: it is one/);
});
