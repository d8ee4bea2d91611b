/**
 * Common subexpressions: when two nodes compute the same.
 *
 * @module
 */
import { AttributeProto, type NodeProto } from "../proto/onnx_pb.ts";

/** Operators whose result differs from call to call: never merged. */
export const RANDOM: RegExp = /^(Random|Bernoulli|Multinomial|Dropout$)/;

/** Bytes up to which attributes are compared. */
const LARGEST_COMPARED = 4096;

/** What {@linkcode keyOf} reads of a node. */
type Computation =
  & Pick<NodeProto, "opType" | "domain" | "input" | "attribute">
  & { readonly output: { readonly length: number }; readonly overload?: string };

/**
 * What identifies a computation: operator, inputs and the encoded bytes of its attributes, so that no
 * kind of attribute is left out. Undefined for nodes with bodies, and for attributes that are too large
 * to be compared.
 */
export function keyOf(
  { opType, domain, overload, input, attribute, output }: Computation,
): string | undefined {
  const parts: string[] = [];
  for (const a of attribute) {
    if (a.g !== undefined || a.graphs.length > 0) return undefined;
    const bytes = AttributeProto.encode(a).finish();
    if (bytes.length > LARGEST_COMPARED) return undefined;
    parts.push(String.fromCharCode(...bytes));
  }
  return JSON.stringify([domain, opType, overload ?? "", output.length, input, parts.sort()]);
}
