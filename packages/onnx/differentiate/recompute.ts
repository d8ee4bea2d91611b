/** @module */
import type { Builder } from "../graph/builder.ts";
import { late, readsOf, sortInPlace } from "../rules/shared/mod.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";

/** Nodes of the forward pass whose results the backward pass computes again. */
export interface Segment {
  /** In order. */
  readonly nodes: readonly NodeProto[];
  /** The value that has to be there first: a cotangent of what the segment makes. */
  readonly after: string;
  /** What they make that is kept all the same. Default nothing. */
  readonly kept?: ReadonlySet<string>;
}

/**
 * Lets the backward pass, which is every node that is not among `forward`, read copies of what the
 * segments compute, so that the originals need not be kept. A segment is left as it is where the value
 * that it should wait for is itself made from what the segment computes.
 *
 * @param isGiven Whether a value is there from the beginning: a parameter, a constant.
 */
export function computeAgain(
  b: Builder,
  { forward, segments, isGiven }: {
    readonly forward: ReadonlySet<NodeProto>;
    readonly segments: readonly Segment[];
    readonly isGiven: (name: string) => boolean;
  },
): void {
  const backward = b.nodes.filter((node) => !forward.has(node));
  for (const segment of segments) {
    const { kept } = segment;
    const made = new Set(
      segment.nodes.flatMap((node) => node.output.filter((name) => kept?.has(name) !== true)),
    );
    const readers = backward.filter((node) => node.input.some((name) => made.has(name)));
    const source = b.producer(segment.after);
    if (readers.length === 0 || source === undefined || forward.has(source)) continue;
    if (dependsOn(b, segment.after, new Set(readers))) continue;
    const copies = copiesOf(b, segment, isGiven);
    for (const node of readers) node.input = node.input.map((name) => copies.get(name) ?? name);
  }
  sortInPlace(b.nodes);
}

/** Appends the copies; their names by those of the originals. */
function copiesOf(
  b: Builder,
  { nodes, after, kept }: Segment,
  isGiven: (name: string) => boolean,
): Map<string, string> {
  const copies = new Map<string, string>();
  for (const node of nodes) {
    if (node.output.every((name) => name === "" || kept?.has(name) === true)) continue;
    let input = node.input.map((name) => copies.get(name) ?? name);
    if (input.every((name, k) => name === node.input[k])) {
      // What goes into it is as early as in the original: one input has to come late.
      const at = input.findIndex((name) => name !== "" && !isGiven(name) && b.type(name)?.dims);
      if (at < 0) continue;
      input = input.with(at, late(b, input[at]!, after));
    }
    const output = node.output.map((name) => name === "" ? "" : b.fresh(`${name}_again`));
    b.append({ ...node, name: b.fresh(`${node.name}_again`), input, output });
    node.output.forEach((name, k) => {
      if (name !== "" && kept?.has(name) !== true) copies.set(name, output[k]!);
    });
  }
  return copies;
}

/** Whether a value is made from what any of these nodes make. */
function dependsOn(b: Builder, value: string, nodes: ReadonlySet<NodeProto>): boolean {
  const seen = new Set<NodeProto>();
  const waiting = [value];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const node = b.producer(name);
    if (node === undefined || seen.has(node)) continue;
    if (nodes.has(node)) return true;
    seen.add(node);
    for (const next of readsOf(node)) waiting.push(next);
  }
  return false;
}
