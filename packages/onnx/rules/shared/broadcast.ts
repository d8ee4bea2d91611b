/** @module */
import { broadcastOf } from "../../graph/emit.ts";
import { sumTo } from "../../graph/emit.ts";
import type { GradientContext, Infer } from "../../graph/rule.ts";

/** The type of an elementwise result by NumPy's broadcasting. */
export const broadcastType: Infer = (n) => {
  const type = n.type(0);
  if (type === undefined) return [];
  return [{
    dataType: type.dataType,
    dims: broadcastOf(n.b, n.node.input.map((_, k) => n.dims(k))),
  }];
};

/** The gradient of an input that was broadcast, computed if it is wanted. */
export function to(n: GradientContext, index: number, make: () => string): string | undefined {
  return n.wants(index) ? sumTo(n.b, make(), n.input(index)!) : undefined;
}
