/** @module */
import { nameOf } from "../model/attributes.ts";
import { OnnxError } from "../model/onnx_error.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";

/** Runs a part of a rule; other errors than ours get the node's name. */
export function guarded<T>(node: NodeProto, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    if (cause instanceof OnnxError) throw cause;
    throw new OnnxError(
      `Cannot differentiate ${node.opType} "${nameOf(node)}": ${(cause as Error).message}`,
      { node: nameOf(node), cause },
    );
  }
}
