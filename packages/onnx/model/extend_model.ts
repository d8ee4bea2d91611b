/** @module */
import { addKnownBranch } from "../graph/known_branch.ts";
import { loadGraph } from "../graph/load_graph.ts";
import { addNode, opsetOf } from "../graph/load_graph_with.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import { ruleFor } from "../rules/mod.ts";
import { type ModelBuilder, modelBuilder } from "./model_builder.ts";
import { typedAttribute } from "./typed_attribute.ts";

/**
 * Goes on where a model ends: new nodes read its values, new outputs come behind its own. Nodes are
 * written for the model's operator set. What the model has stays as it is, tensors are shared.
 *
 * @throws {OnnxError} For a graph that cannot be read, when it is called; for shapes that do not fit,
 *   when a node is added.
 *
 * @example
 * ```ts
 * import { buildModel, extendModel } from "@precond/onnx";
 * import assert from "node:assert/strict";
 *
 * const encoder = buildModel();
 * const x = encoder.input("x", ["N", "T", 4]);
 * encoder.output(encoder.op("Tanh", [x], {}, "hidden"));
 *
 * const m = extendModel(encoder.build());
 * const axis = m.parameter("axis", [1], BigInt64Array.of(1n));
 * m.output(m.op("ReduceMean", ["hidden", axis], { keepdims: 0 }, "mean"));
 * assert.deepEqual(m.dims("mean"), ["N", 4]);
 * assert.deepEqual(m.build().graph!.output.map(({ name }) => name), ["hidden", "mean"]);
 * ```
 */
export function extendModel(given: ModelProto): ModelBuilder {
  const { b, model } = loadGraph(given, ruleFor);
  const graph = model.graph!;
  const opset = opsetOf(model);
  const imported = new Set(model.opsetImport.map(({ domain }) => domain));
  return modelBuilder({
    b,
    opset,
    outputs: graph.output.map(({ name }) => name),
    attributes: { typedAttribute },
    append: (node) => addNode(b, node, opset, { lookup: ruleFor, addKnownBranch }),
    finish: ({ nodes, inputs, outputs, initializers, domains }) => ({
      ...model,
      // Before IR 4 initializers had to be inputs too.
      irVersion: model.irVersion < 4n ? 4n : model.irVersion,
      opsetImport: [
        ...model.opsetImport,
        ...domains.filter((domain) => !imported.has(domain))
          .map((domain) => ({ domain, version: 1n })),
      ],
      graph: {
        ...graph,
        node: [...graph.node, ...nodes],
        input: [...graph.input, ...inputs],
        output: [...graph.output, ...outputs],
        initializer: [...graph.initializer, ...initializers],
      },
    }),
  });
}
