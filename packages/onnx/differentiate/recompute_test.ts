import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { losses, subjects } from "../legalize/scenarios/networks.ts";
import { legalize } from "../legalize/legalize.ts";
import { close, fedAs, runOnCpu } from "../legalize/_testing.ts";
import { compare, makeModel, makeNode, normal, runModel } from "../_testing.ts";
import { buildModel } from "../model/build_model.ts";
import { readModel, writeModel } from "../model/read_model.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";
import { ruleFor } from "../rules/mod.ts";
import { loadGraph } from "../graph/load_graph.ts";
import { computeAgain } from "./recompute.ts";
import { transformer } from "@precond/testing";
import { differentiate } from "./differentiate.ts";

const require = createRequire(import.meta.url);

/** What ONNX Runtime makes of a graph. */
async function optimized(model: ModelProto): Promise<string[]> {
  const path = await Deno.makeTempFile({ suffix: ".onnx" });
  try {
    const ort = require("onnxruntime-node");
    const session = await ort.InferenceSession.create(writeModel(model), {
      optimizedModelFilePath: path,
      graphOptimizationLevel: "extended",
      logSeverityLevel: 3,
    });
    await session.release();
    return readModel(await Deno.readFile(path)).graph!.node.map((n) => n.opType);
  } finally {
    await Deno.remove(path);
  }
}

const small = () => {
  const m = buildModel();
  transformer(m, { layers: 2, width: 8, heads: 2, length: 6 });
  return m.build();
};
const count = (operators: readonly string[], name: string) =>
  operators.filter((o) => o === name).length;

Deno.test("What is computed again is what was kept", async (t) => {
  for (const { name, model, feeds } of subjects(losses)) {
    await t.step(name, async () => {
      const again = legalize(model, "cpu").model;
      // WebGPU keeps what the forward pass computed.
      const kept = legalize(model, "webgpu");
      const expected = await runOnCpu(kept.model, fedAs(feeds, kept.inputs));
      close(await runOnCpu(again, feeds), expected, 1e-5, name);
    });
  }
});

Deno.test("Weights of attention, GELU, normalizations and joined heads are not kept", () => {
  const { model } = differentiate(small(), { loss: { type: "mse" } });
  const { node } = legalize(model, "cpu").model.graph!;
  const loss = node.findIndex(({ opType }) => opType === "ReduceSumSquare");
  const forward = new Set(node.slice(0, loss).flatMap((n) => n.output));
  const read = new Set(node.slice(loss + 1).flatMap((n) => n.input));
  const keptBy = (opType: string) =>
    node.slice(0, loss).filter((n) => n.opType === opType && n.output.some((o) => read.has(o)));
  for (const opType of ["Softmax", "Erf", "HardSigmoid"]) assert.deepEqual(keptBy(opType), []);
  const inputs = model.graph!.input.map((i) => i.name);
  // Of two blocks: input of both normalizations, q, k, v, heads, GELU's input; the last normalization
  // and the loss keep two more.
  const kept = [...forward].filter((name) => read.has(name) && !inputs.includes(name));
  assert.ok(kept.length <= 2 * 7 + 4, kept.join(" "));
});

for (const sizes of [{}, { N: 3 }]) {
  Deno.test(`ONNX Runtime keeps apart what is computed again, sizes ${JSON.stringify(sizes)}`, async () => {
    const { model } = differentiate(small(), { loss: { type: "mse" } });
    const legal = legalize(model, "cpu", { sizes }).model;
    for (const given of [legal, legalize(legal, "cpu", { sizes }).model]) {
      const operators = await optimized(given);
      // Two blocks, each forward and again.
      assert.equal(count(operators, "Softmax"), 4);
      assert.equal(count(operators, "Erf"), 4);
    }
  });
}

const backward = () =>
  loadGraph(
    makeModel({
      nodes: [
        makeNode("Tanh", ["x"], ["y"]),
        makeNode("Neg", ["g"], ["early"]),
        makeNode("Mul", ["early", "y"], ["c"]),
        makeNode("Add", ["c", "y"], ["r"]),
      ],
      inputs: { x: normal(1, [3]), g: normal(2, [3]) },
      outputs: ["r"],
    }),
    ruleFor,
  ).b;

for (const [after, again] of [["early", true], ["c", false]] as const) {
  Deno.test(`What waits for "${after}" is computed again: ${again}`, async () => {
    const b = backward();
    const [tanh] = b.nodes as [NodeProto];
    computeAgain(b, {
      forward: new Set([tanh]),
      segments: [{ nodes: [tanh], after }],
      // As if x were kept.
      isGiven: () => false,
    });
    assert.equal(count(b.nodes.map((n) => n.opType), "Tanh"), again ? 2 : 1);
    const readers = b.nodes.filter((n) => n.input.includes("y")).map((n) => n.output[0]);
    assert.deepEqual(readers, again ? [] : ["c", "r"]);
    const inputs = { x: normal(1, [3]), g: normal(2, [3]) };
    const { r } = await runModel(makeModel({ nodes: b.nodes, inputs, outputs: ["r"] }), inputs);
    const expected = inputs.x.data.map((v, k) => Math.tanh(v) * (1 - inputs.g.data[k]!));
    compare(r!.data, expected, 1e-12, "r");
  });
}

Deno.test("What constants alone go into is not computed again", () => {
  const b = backward();
  const [tanh] = b.nodes as [NodeProto];
  computeAgain(b, {
    forward: new Set([tanh]),
    segments: [{ nodes: [tanh], after: "early" }],
    isGiven: () => true,
  });
  assert.equal(count(b.nodes.map((n) => n.opType), "Tanh"), 1);
});
