/**
 * Takes nodes out of training mode.
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from "../proto/onnx_pb.ts";

/**
 * The model for inference, as exporters write it with training switched off: Dropout hands its input on,
 * BatchNormalization normalizes by the running statistics. Bodies of control flow and of functions
 * are taken out of training mode, too. The given model is not changed.
 */
export function inferenceMode(model: ModelProto): ModelProto {
  return create(ModelProtoSchema, {
    ...model,
    $typeName: undefined as never,
    ...(model.graph === undefined ? {} : { graph: graphOf(model.graph) }),
    functions: model.functions.map((f): FunctionProto =>
      create(FunctionProtoSchema, {
        ...f,
        $typeName: undefined as never,
        node: f.node.flatMap(nodesOf),
      })
    ),
  });
}

const graphOf = (graph: GraphProto): GraphProto =>
  create(GraphProtoSchema, {
    ...graph,
    $typeName: undefined as never,
    node: graph.node.flatMap(nodesOf),
  });

function nodesOf(node: NodeProto): NodeProto[] {
  const changed = (values: Partial<NodeProto>): NodeProto =>
    create(NodeProtoSchema, { ...node, ...values, $typeName: undefined as never });
  const standard = node.domain === "" || node.domain === "ai.onnx";
  if (standard && node.opType === "Dropout" && node.input.length > 2) {
    // Without the input training_mode is false; the mask, if anything reads it, is true throughout.
    return [changed({ input: node.input.slice(0, 2) })];
  }
  const own = standard && node.opType === "BatchNormalization";
  // What ONNX Runtime's generator of training artifacts makes of it.
  const internal = node.domain === "com.microsoft" && node.opType === "BatchNormInternal";
  if (own || internal) {
    const attribute = node.attribute.filter(({ name }) => name !== "training_mode");
    if (own && node.output.length <= 1 && attribute.length === node.attribute.length) return [node];
    // Updated statistics are then the statistics themselves.
    const kept = [1, 2].flatMap((k): NodeProto[] => {
      const output = node.output[k] ?? "";
      if (output === "") return [];
      return [
        create(NodeProtoSchema, {
          opType: "Identity",
          input: [node.input[k + 2]!],
          output: [output],
        }),
      ];
    });
    const first = { domain: "", opType: "BatchNormalization", attribute };
    return [changed({ ...first, output: node.output.slice(0, 1) }), ...kept];
  }
  if (!node.attribute.some(({ g, graphs }) => g !== undefined || graphs.length > 0)) return [node];
  return [changed({
    attribute: node.attribute.map((a): AttributeProto =>
      create(AttributeProtoSchema, {
        ...a,
        $typeName: undefined as never,
        ...(a.g === undefined ? {} : { g: graphOf(a.g) }),
        graphs: a.graphs.map(graphOf),
      })
    ),
  })];
}
