/** @module */
import type { Rewrite } from "../graph/rule.ts";
import { readsOf } from "../graph/topology.ts";
import { intsAttribute, stringAttribute } from "../model/attributes.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";

/**
 * `max_k relu(x[k]) = relu(max_k x[k])`, and with the same gradient: where a maximum is positive both
 * give it to the first point that has it, and elsewhere none. The second form has fewer elements to
 * compare with 0. Applies where nothing but the pooling reads what Relu gives, and it is not `kept`,
 * as a value whose gradient is wanted is.
 */
export function reluLast(model: ModelProto, kept: readonly string[]): Rewrite {
  const reads = new Map<string, number>();
  for (const name of [...kept, ...(model.graph?.node.flatMap(readsOf) ?? [])]) {
    reads.set(name, (reads.get(name) ?? 0) + 1);
  }
  return ({ b, node }) => {
    if (node.opType !== "MaxPool" || node.domain !== "" || (node.output[1] ?? "") !== "") {
      return false;
    }
    const [x, y] = [node.input[0]!, node.output[0]!];
    const relu = b.producer(x);
    if (relu?.opType !== "Relu" || relu.domain !== "" || reads.get(x) !== 1) return false;
    // What the file says of Relu's result it need not say of what Relu reads.
    if (b.type(relu.input[0]!)?.dims === undefined || mayMissAll(node)) return false;
    const pooled = b.fresh(`${y}_pooled`);
    b.append({ ...node, input: [relu.input[0]!], output: [pooled] });
    b.node("Relu", [pooled], {}, { outputs: [y] });
    return true;
  };
}

/** Whether a window may read padding alone, whose maximum is the lowest number, not 0. */
function mayMissAll(node: NodeProto): boolean {
  const dilated = intsAttribute(node, "dilations", []).some((d) => d !== 1);
  const pads = intsAttribute(node, "pads", []).some((p) => p !== 0);
  return dilated && (pads || /^SAME/.test(stringAttribute(node, "auto_pad", "NOTSET")));
}
