/** @module */
import type { Builder } from "../../graph/builder.ts";
import { intAttribute, intsAttribute, makeAttribute } from "../../model/attributes.ts";
import { tensorIntegers } from "../../model/tensor.ts";
import type { ModelProto, NodeProto } from "../../proto/onnx_pb.ts";
import { constantNode } from "../../graph/constant_node.ts";
import { textured } from "./textures.ts";

/** A model of operator set 18 or newer as one of operator set 12, which WebGL reads. */
export function lowered(model: ModelProto, b: Builder): ModelProto {
  const graph = model.graph!;
  const stored = new Set([
    ...graph.initializer.map((tensor) => tensor.name),
    ...graph.node.filter((node) => node.opType === "Constant").map((node) => node.output[0]!),
  ]);
  const { nodes, constants } = textured(graph.node.map((node) => asOpset12(node, b)), b, stored);
  const read = new Set(nodes.flatMap((n) => n.input));
  const inputs = new Set(graph.input.map((i) => i.name));
  return {
    ...model,
    opsetImport: [{ ...model.opsetImport[0]!, domain: "", version: 12n }],
    graph: {
      ...graph,
      node: [...constants.map(constantNode), ...nodes],
      initializer: graph.initializer.filter((t) => read.has(t.name) || inputs.has(t.name)),
    },
  };
}

/** Inputs that were attributes, as such. */
function asOpset12(node: NodeProto, b: Builder): NodeProto {
  const listOf = (k: number) => {
    const tensor = b.initializers.get(node.input[k] ?? "");
    return tensor === undefined ? undefined : tensorIntegers(tensor);
  };
  const rank = (b.type(node.input[0] ?? "")?.dims ?? []).length;
  const rest = node.attribute;
  const replaced = (name: string, values: readonly number[] | undefined): NodeProto => ({
    ...node,
    input: [node.input[0]!],
    attribute: [
      ...rest.filter((a) =>
        a.name !== name && a.name !== "num_outputs" && a.name !== "noop_with_empty_axes"
      ),
      ...(values === undefined || values.length === 0 ? [] : [makeAttribute(name, values)]),
    ],
  });
  const fromStart = (axes: readonly number[] | undefined, of: number) =>
    axes?.map((a) => a < 0 ? a + of : a);
  if (node.opType.startsWith("Reduce")) {
    const axes = listOf(1) ?? intsAttribute(node, "axes", undefined);
    // A scalar has nothing to reduce, and no axis to say so.
    return replaced("axes", fromStart(axes, rank));
  }
  switch (node.opType) {
    case "Squeeze":
      return replaced("axes", fromStart(listOf(1), rank));
    case "Unsqueeze":
      return replaced("axes", fromStart(listOf(1), rank + (listOf(1)?.length ?? 0)));
    case "Split": {
      const axis = fromStart([intAttribute(node, "axis", 0)], rank)![0]!;
      const sizes = listOf(1) ?? node.output.map((name) => b.type(name)!.dims![axis] as number);
      return replaced("split", sizes);
    }
    case "Softmax":
    case "Concat":
    case "Gather": {
      const absent = node.opType === "Softmax" ? -1 : 0;
      const axis = fromStart([intAttribute(node, "axis", absent)], rank)![0]!;
      return {
        ...node,
        attribute: [...rest.filter((a) => a.name !== "axis"), makeAttribute("axis", axis)],
      };
    }
    case "Reshape":
      return { ...node, attribute: [] };
    case "Cast":
      return { ...node, attribute: rest.filter((a) => a.name === "to") };
    case "BatchNormalization":
      return { ...node, attribute: rest.filter((a) => a.name === "epsilon") };
    default:
      return node;
  }
}
