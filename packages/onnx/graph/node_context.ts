/** @module */
import type { Builder } from "./builder.ts";
import {
  floatAttribute,
  intAttribute,
  intsAttribute,
  nameOf,
  stringAttribute,
} from "../model/attributes.ts";
import { OnnxError } from "../model/onnx_error.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import type { GradientContext, NodeContext } from "./rule.ts";

/** A node as its rule sees it. */
export function nodeContext(node: NodeProto, b: Builder, opset: number): NodeContext {
  const input = (index: number) => {
    const name = node.input[index];
    return name === undefined || name === "" ? undefined : name;
  };
  const type = (index: number) => {
    const name = input(index);
    return name === undefined ? undefined : b.type(name);
  };
  return {
    node,
    b,
    opset,
    input,
    type,
    dims: (index) => type(index)?.dims,
    int: (name, absent) => intAttribute(node, name, absent),
    float: (name, absent) => floatAttribute(node, name, absent),
    string: (name, absent) => stringAttribute(node, name, absent),
    ints: (name) => intsAttribute(node, name, undefined),
    refuse(action, why) {
      throw new OnnxError(`Cannot ${action} ${node.opType} "${nameOf(node)}": ${why}`, {
        node: nameOf(node),
      });
    },
  };
}

/** A node with the cotangents that reached it. */
export function gradientContext(
  node: NodeProto,
  b: Builder,
  cotangents: readonly (string | undefined)[],
  wants: (index: number) => boolean,
): GradientContext {
  const context = nodeContext(node, b, b.opset);
  return {
    ...context,
    outputs: node.output,
    cotangents,
    wants,
    cotangent: () =>
      cotangents[0] ??
        context.refuse(
          "differentiate",
          `the loss depends on output ${
            cotangents.findIndex((c) => c !== undefined)
          } alone, whose gradient is not known`,
        ),
  };
}
