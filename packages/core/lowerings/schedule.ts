/** @module */
import type { Node, Pass } from "../kernel/program.ts";

/**
 * The nodes that a pass computes once an element, each as late as its users allow.
 *
 * A value that is loaded or computed early occupies a register until it is used, and WebAssembly
 * engines have sixteen on x86. Arguments come before what uses them; ties keep the program's order.
 */
export function asLateAsPossible(nodes: readonly Node[], { element }: Pass): number[] {
  const levels = new Map<number, number>();
  for (const id of element) {
    levels.set(id, Math.max(0, ...nodes[id]!.args.map((a) => (levels.get(a) ?? -1) + 1)));
  }
  const latest = new Map<number, number>();
  for (const id of [...element].reverse()) {
    const level = latest.get(id) ?? levels.get(id)!;
    levels.set(id, level);
    for (const a of nodes[id]!.args) latest.set(a, Math.min(latest.get(a) ?? level, level - 1));
  }
  return [...element].sort((a, b) => levels.get(a)! - levels.get(b)! || a - b);
}
