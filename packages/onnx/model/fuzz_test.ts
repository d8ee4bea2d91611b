import assert from "node:assert/strict";
import { fixture, haveFixtures } from "../artifacts/_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { dice, fuzz, mutateBytes, mutateModel } from "../scenarios/damaged_files.ts";
import { smallModels } from "../scenarios/small_models.ts";
import { loadGraph } from "../graph/load_graph.ts";
import { ruleFor } from "../rules/mod.ts";
import { DataType } from "./data_type.ts";
import { readModel, writeModel } from "./read_model.ts";
import { tensorsOf } from "./tensors_of.ts";
import { tensorData } from "./tensor.ts";

const official = haveFixtures
  ? ["mnist-web-demo/training_model.onnx", "seizure-head/training_model.onnx"].map(fixture)
  : [];

/** All that is done with a model. */
function use(bytes: Uint8Array): void {
  const model = readModel(bytes);
  for (const tensor of tensorsOf(model)) {
    if (tensor.dataType !== DataType.STRING && tensor.rawData !== undefined) tensorData(tensor);
  }
  loadGraph(model, ruleFor);
  const output = model.graph!.output[0]?.name;
  if (output !== undefined) writeModel(differentiate(model, { output }).model);
}

Deno.test("the models are differentiated as they are", () => {
  for (const file of smallModels) use(file);
});

for (const [k, file] of [...smallModels, ...official].entries()) {
  Deno.test(`400 byte mutations of model ${k} are differentiated or refused`, () => {
    const report = fuzz(400, (seed) => mutateBytes(file, dice(seed)), use);
    assert.ok(report.refused > 133, JSON.stringify(report));
  });

  Deno.test(`400 senseless edits of model ${k} are differentiated or refused`, () => {
    const report = fuzz(400, (seed) => mutateModel(file, dice(seed)), use);
    assert.ok(report.refused > 33, JSON.stringify(report));
  });
}
