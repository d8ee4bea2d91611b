/** @module */
import { makeAttribute } from "../model/attributes.ts";
import { create } from "../proto/create.ts";
import { NodeProto, type TensorProto } from "../proto/onnx_pb.ts";

/**
 * A tensor as a node, so that what is no parameter of the file is not taken for one when the model is
 * differentiated.
 */
export function constantNode(tensor: TensorProto): NodeProto {
  return create(NodeProto, {
    opType: "Constant",
    name: `${tensor.name}/Constant`,
    output: [tensor.name],
    attribute: [makeAttribute("value", tensor)],
  });
}
