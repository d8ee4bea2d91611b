/** @module */
import { transpose } from "../shared/mod.ts";
import { type Cell, gru, lstm, rnn } from "./cells.ts";
import { C0, directionsOf, H0, hiddenOf, unroll, X } from "./unroll.ts";
import type { Infer, NodeContext, OperatorRule } from "../../graph/rule.ts";

/** Y [time, directions, batch, hidden], and the last states [directions, batch, hidden]. */
const types: Infer = (n) => {
  const type = n.type(X);
  if (type === undefined) return [];
  const { dataType, dims } = type;
  if (dims !== undefined && dims.length !== 3) n.refuse("read", `its input has shape [${dims}]`);
  const [time, batch] = dims ?? [n.b.freshDim(), n.b.freshDim()];
  const last = [directionsOf(n).length, batch!, hiddenOf(n) ?? n.b.freshDim()];
  return [
    { dataType, dims: [time!, ...last] },
    { dataType, dims: last },
    { dataType, dims: last },
  ];
};

/** Brings the batch, which layout 1 has in front, behind the axes that precede it otherwise. */
function withoutLayout(n: NodeContext): boolean {
  if (n.int("layout", 0) === 0) return false;
  const { b, node } = n;
  const inputs = node.input.map((name, k) =>
    name !== "" && [X, H0, C0].includes(k) ? transpose(b, name, [1, 0, 2]) : name
  );
  const outputs = node.output.map((name) => name === "" ? "" : b.fresh(`${name}_by_time`));
  b.append({
    ...node,
    name: b.fresh(`${node.name}/by_time`),
    input: inputs,
    output: outputs,
    attribute: node.attribute.filter((a) => a.name !== "layout"),
  });
  node.output.forEach((name, k) => {
    const perm = k === 0 ? [2, 0, 1, 3] : [1, 0, 2];
    if (name !== "") b.node("Transpose", [outputs[k]!], { perm }, { outputs: [name] });
  });
  return true;
}

const rule = (cell: Cell): OperatorRule => ({
  opType: cell.opType,
  since: 7,
  upgrade: withoutLayout,
  infer: types,
  expand: (n) => unroll(n, cell),
});

/** The forward operators of training artifacts: what they keep for their gradients is not needed. */
const training = (cell: Cell): OperatorRule => ({
  opType: `${cell.opType}Training`,
  domain: "com.microsoft",
  since: 1,
  upgrade: (n) => {
    const { node, b } = n;
    b.append({
      ...node,
      opType: cell.opType,
      domain: "",
      output: node.output.slice(0, cell.outputs),
    });
    return true;
  },
});

/** Recurrent layers: they run as they are, and are unrolled where they are differentiated. */
export const recurrents: readonly OperatorRule[] = [
  rule(rnn),
  rule(gru),
  rule(lstm),
  training(gru),
  training(lstm),
];
