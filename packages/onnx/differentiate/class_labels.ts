/** @module */
import type { Builder } from "../graph/builder.ts";
import { intAttribute } from "../model/attributes.ts";
import type { ValueInfoProto } from "../proto/onnx_pb.ts";

/** What a graph input with class indices may hold. */
export interface ClassLabels {
  /** Indices are from 0 to one less. */
  readonly classes: number;
  /** The index of examples that do not count, which need not be a class. */
  readonly ignoreIndex: number | undefined;
}

const LOSSES: ReadonlySet<string> = new Set([
  "SoftmaxCrossEntropyLoss",
  "NegativeLogLikelihoodLoss",
]);
/** What leaves indices as they are. */
const PASSING: ReadonlySet<string> = new Set([
  "Identity",
  "Reshape",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
  "Cast",
]);

/**
 * The inputs that losses over classes take their labels from. No kernel says clearly that an index is
 * none of the classes: some count negative ones from the end, on GPUs any may be read.
 */
export function classLabels(
  b: Builder,
  inputs: readonly ValueInfoProto[],
): ReadonlyMap<string, ClassLabels> {
  const names = new Set(inputs.map((i) => i.name));
  const found = new Map<string, ClassLabels>();
  for (const node of b.nodes) {
    if (!LOSSES.has(node.opType) || node.domain !== "") continue;
    const classes = b.type(node.input[0]!)?.dims?.[1];
    let label = node.input[1]!;
    for (;;) {
      const made = b.producer(label);
      if (made === undefined || !PASSING.has(made.opType)) break;
      label = made.input[0]!;
    }
    if (typeof classes !== "number" || !names.has(label)) continue;
    found.set(label, { classes, ignoreIndex: intAttribute(node, "ignore_index", undefined) });
  }
  return found;
}
