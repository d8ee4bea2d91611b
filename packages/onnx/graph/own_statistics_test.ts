import assert from "node:assert/strict";
import { differentiate } from "../differentiate/differentiate.ts";
import { buildModel } from "../model/build_model.ts";
import { tensorData } from "../model/tensor.ts";
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
