/** @module */
import { add, div, mul, sub } from "../graph/emit.ts";
import type { NodeContext } from "../graph/rule.ts";
import type { Formula } from "./formula.ts";

const x0 = (n: NodeContext) => n.input(0)!;

/** Statistics over the batch; then the running ones. */
export function batchNormTraining(n: NodeContext): boolean {
  const { b, node } = n;
  if (n.int("training_mode", 0) === 0) return false;
  const [x, scale, bias, mean, variance] = node.input as [string, string, string, string, string];
  const rank = b.dims(x).length;
  const axes = Array.from({ length: rank }, (_, k) => k).filter((k) => k !== 1);
  const each = (v: string) => b.op("Reshape", [v, b.ints([-1, ...axes.slice(1).map(() => 1)])]);
  const mu = b.op("ReduceMean", [x, b.ints(axes)], { keepdims: 1 });
  const centred = sub(b, x, mu);
  const spread = b.op("ReduceMean", [mul(b, centred, centred), b.ints(axes)], { keepdims: 1 });
  const r = b.op("Sqrt", [add(b, spread, n.float("epsilon", 1e-5))]);
  const standard = div(b, centred, r);
  const y = add(b, mul(b, standard, each(scale)), each(bias));
  b.alias(y, node.output[0]!);
  const momentum = n.float("momentum", 0.9);
  [[mean, mu], [variance, spread]].forEach(([running, batch], k) => {
    const name = node.output[k + 1];
    if (name === undefined || name === "") return;
    const flat = b.op("Reshape", [batch!, b.ints([-1])]);
    b.alias(add(b, mul(b, running!, momentum), mul(b, flat, 1 - momentum)), name);
  });
  return true;
}

/** Whitened over channels in groups, then scaled by channel. */
export const groupNorm: Formula = (n) => {
  const { b } = n;
  const dims = b.dims(x0(n));
  const groups = n.int("num_groups", 1);
  const channels = dims[1];
  if (typeof channels !== "number" || n.opset < 21 && n.dims(1)?.[0] !== channels) return undefined;
  const grouped = b.op("Reshape", [x0(n), b.ints([0, groups, -1])]);
  const centred = sub(b, grouped, b.op("ReduceMean", [grouped, b.ints([2])], { keepdims: 1 }));
  const variance = b.op("ReduceMean", [mul(b, centred, centred), b.ints([2])], { keepdims: 1 });
  const white = div(b, centred, b.op("Sqrt", [add(b, variance, n.float("epsilon", 1e-5))]));
  const back = b.op("Reshape", [white, b.op("Shape", [x0(n)])]);
  const each = (k: number) =>
    b.op("Reshape", [n.input(k), b.ints([-1, ...dims.slice(2).map(() => 1)])]);
  return add(b, mul(b, back, each(1)), each(2));
};

/** Whitened over the given axes. */
export const meanVariance: Formula = (n) => {
  const { b } = n;
  const axes = b.ints(n.ints("axes") ?? [0, 2, 3]);
  const centred = sub(b, x0(n), b.op("ReduceMean", [x0(n), axes], { keepdims: 1 }));
  const variance = b.op("ReduceMean", [mul(b, centred, centred), axes], { keepdims: 1 });
  return div(b, centred, add(b, b.op("Sqrt", [variance]), 1e-9));
};

/** `γ x / √(mean x² + ε)` over the axes from `axis` on. */
export const rmsNorm: Formula = (n) => {
  const { b } = n;
  const rank = b.dims(x0(n)).length;
  const at = n.int("axis", -1);
  const axes = Array.from({ length: rank }, (_, k) => k).slice(at);
  const square = b.op("ReduceMean", [mul(b, x0(n), x0(n)), b.ints(axes)], { keepdims: 1 });
  const r = b.op("Sqrt", [add(b, square, n.float("epsilon", 1e-5))]);
  return mul(b, div(b, x0(n), r), n.input(1)!);
};
