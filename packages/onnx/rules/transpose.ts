/** @module */
import type { NodeContext, OperatorRule } from "../graph/rule.ts";
import { transpose as permute } from "./shared/mod.ts";

const permOf = (n: NodeContext, rank: number) =>
  n.ints("perm") ?? Array.from({ length: rank }, (_, k) => rank - 1 - k);

/** Axes in another order: the gradient takes them back. */
const transpose: OperatorRule = {
  opType: "Transpose",
  since: 7,
  infer: (n) => {
    const type = n.type(0);
    if (type === undefined) return [];
    const { dataType, dims } = type;
    if (dims === undefined) return [{ dataType }];
    const perm = permOf(n, dims.length);
    if (perm.length !== dims.length || dims.some((_, k) => !perm.includes(k))) {
      n.refuse("read", `perm [${perm}] does not order the axes of shape [${dims}]`);
    }
    return [{ dataType, dims: perm.map((k) => dims[k]!) }];
  },
  gradient: (n) => {
    const perm = permOf(n, n.b.dims(n.input(0)!).length);
    const back = perm.map((_, k) => perm.indexOf(k));
    return [permute(n.b, n.cotangent(), back)];
  },
};

/** Axes in another order. */
export const transposes: readonly OperatorRule[] = [transpose];
