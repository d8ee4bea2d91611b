/** @module */
import type { NodeProto } from "../proto/onnx_pb.ts";
import type { Builder } from "./builder.ts";
import { readsOf } from "./topology.ts";

/** Puts the nodes that `write` adds, which make the outputs of a node, in its place. */
export function replaceNode(b: Builder, node: NodeProto, write: () => void): void {
  const before = b.nodes.slice(0, b.nodes.indexOf(node));
  const after = b.nodes.slice(before.length + 1);
  const count = b.nodes.length;
  write();
  const added = b.nodes.slice(count);
  // Of equal nodes one is kept, which may stand behind the place: it moves ahead.
  const later = new Set(after);
  const ahead = new Set<NodeProto>();
  const waiting = [...added];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const name of readsOf(next)) {
      const source = b.producer(name);
      if (source === undefined || !later.has(source) || ahead.has(source)) continue;
      ahead.add(source);
      waiting.push(source);
    }
  }
  b.nodes.length = 0;
  const parts = [
    before,
    after.filter((n) => ahead.has(n)),
    added,
    after.filter((n) => !ahead.has(n)),
  ];
  for (const part of parts) for (const next of part) b.nodes.push(next);
}
