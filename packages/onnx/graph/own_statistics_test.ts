import assert from "node:assert/strict";
import { runModel } from "../_testing.ts";
import { exportInferenceModel } from "../artifacts/export_inference_model.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { buildModel } from "../model/build_model.ts";
import { DataType } from "../model/data_type.ts";
import { makeTensor, tensorData } from "../model/tensor.ts";
import { ownStatistics } from "./own_statistics.ts";

/** As PyTorch's older exporter writes a fresh BatchNorm: its statistics are copies of its parameters. */
function fresh() {
  const m = buildModel();
  const x = m.input("x", ["N", 2]);
  const gamma = m.parameter("gamma", [2], Float32Array.of(1, 1));
  const beta = m.parameter("beta", [2], Float32Array.of(0, 0));
  const mean = m.op("Identity", [m.op("Identity", [beta])], {}, "running_mean");
  const variance = m.op("Identity", [gamma], {}, "running_var");
  m.output(m.op("BatchNormalization", [x, gamma, beta, mean, variance], {}, "y"));
  return m.build();
}

Deno.test("Running statistics that are copies of parameters become their own", () => {
  const given = fresh();
  for (const training of [true, false, undefined]) {
    const grown = differentiate(given, {
      loss: { type: "mse" },
      ...(training === undefined ? {} : { training }),
    });
    assert.deepEqual(grown.parameters, ["gamma", "beta"]);
    if (training !== true) continue;
    assert.deepEqual([...grown.statistics.keys()], ["running_mean", "running_var"]);
    assert.deepEqual([...tensorData(grown.values.get("running_var")!)], [1, 1]);
    assert.deepEqual([...tensorData(grown.values.get("running_mean")!)], [0, 0]);
  }
  // What was given is as it was, and a model without such copies is returned itself.
  assert.deepEqual(given.graph!.initializer.map((t) => t.name), ["gamma", "beta"]);
  const owned = ownStatistics(given);
  assert.equal(ownStatistics(owned), owned);
});

Deno.test("Statistics that are parameters themselves become their own, too, and are exported", async () => {
  // As tools that fold Identity nodes leave it.
  const m = buildModel();
  const x = m.input("x", ["N", 2]);
  const gamma = m.parameter("gamma", [2], Float32Array.of(1, 1));
  const beta = m.parameter("beta", [2], Float32Array.of(0, 0));
  m.output(m.op("BatchNormalization", [x, gamma, beta, beta, gamma], { epsilon: 0 }, "y"));
  const given = m.build();
  const grown = differentiate(given, { loss: { type: "mse" }, training: true });
  assert.deepEqual(grown.parameters, ["gamma", "beta"]);
  assert.deepEqual([...grown.statistics.keys()], ["y_running_mean", "y_running_var"]);
  const tensor = (name: string, ...data: number[]) =>
    makeTensor(name, DataType.FLOAT, [2], Float32Array.from(data));
  const exported = exportInferenceModel(given, [
    tensor("beta", 10, 20),
    tensor("y_running_mean", 1, 2),
    tensor("y_running_var", 4, 16),
  ]);
  const data = [3, 6, 1, 2];
  const { y } = await runModel(exported, { x: { dims: [2, 2], data, type: DataType.FLOAT } });
  assert.deepEqual(y!.data, [(3 - 1) / 2 + 10, (6 - 2) / 4 + 20, 10, 20]);
});

Deno.test("A module that is used twice keeps its one pair of statistics", () => {
  const m = buildModel();
  let value = m.input("x", ["N", 2]);
  const parts = ["gamma", "beta", "mean", "var"].map((name) =>
    m.parameter(name, [2], Float32Array.of(1, 1))
  );
  for (const name of ["y", "z"]) value = m.op("BatchNormalization", [value, ...parts], {}, name);
  m.output(value);
  const given = m.build();
  assert.equal(ownStatistics(given), given);
});
