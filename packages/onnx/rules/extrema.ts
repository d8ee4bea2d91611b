/** @module */
import {
  add,
  broadcastType,
  div,
  indicator,
  mul,
  ofNumbers,
  onIntegers,
  reduceSum,
  reshapeLike,
  sameType,
  sub,
  to,
  where,
} from "./shared/mod.ts";
import type { GradientContext, OperatorRule } from "../graph/rule.ts";

/**
 * `y = max_k x_k` or `min_k x_k`: ∂y/∂x_k = 1/m for each of the m inputs that attain it, else 0.
 * Ties share the gradient evenly, as PyTorch's maximum and amax do.
 */
const extremum = (opType: "Max" | "Min"): OperatorRule => ({
  opType,
  since: 7,
  infer: broadcastType,
  evaluate: onIntegers(ofNumbers(opType === "Max" ? Math.max : Math.min)),
  gradient: (n) => {
    const count = n.node.input.length;
    if (count === 1) return [n.cotangent()];
    return count === 2 ? ofTwo(n, opType === "Max" ? "Greater" : "Less") : ofMany(n);
  },
});

function ofTwo(n: GradientContext, wins: "Greater" | "Less") {
  const { b } = n;
  const [x, y, dz] = [n.input(0)!, n.input(1)!, n.cotangent()];
  const share = where(
    b,
    b.op(wins, [x, y]),
    b.scalar(1, x),
    where(b, b.op(wins, [y, x]), b.scalar(0, x), 0.5),
  );
  const dx = mul(b, dz, share);
  return [to(n, 0, () => dx), to(n, 1, () => sub(b, dz, dx))];
}

function ofMany(n: GradientContext) {
  const { b, outputs: [y] } = n;
  const attains = n.node.input.map((x) => b.op("Equal", [x, y!]));
  const ties = attains.map((a) => indicator(b, a, y!)).reduce((sum, a) => add(b, sum, a));
  const share = div(b, n.cotangent(), ties);
  return attains.map((a, k) => to(n, k, () => where(b, a, share, 0)));
}

const LARGEST = 3.4028234e38;

/**
 * `y = min(max(x, l), h)`: ∂y/∂x = 1 where l ≤ x ≤ h (the bounds included, as in ONNX Runtime and
 * PyTorch), ∂y/∂l = 1 where x < l ≤ h, and ∂y/∂h = 1 elsewhere.
 */
const clip: OperatorRule = {
  opType: "Clip",
  since: 7,
  constants: [1, 2],
  // Until opset 10 the bounds were attributes.
  upgrade: (n) => {
    if (n.opset >= 11) return false;
    const x = n.input(0)!;
    const [low, high] = [n.float("min", -LARGEST), n.float("max", LARGEST)];
    const bounds = [
      low <= -LARGEST ? undefined : n.b.scalar(low, x),
      high >= LARGEST ? undefined : n.b.scalar(high, x),
    ];
    n.b.node("Clip", [x, ...bounds], {}, { outputs: n.node.output });
    return true;
  },
  infer: sameType,
  gradient: (n) => {
    const { b } = n;
    const [x, low, high, dz] = [n.input(0)!, n.input(1), n.input(2), n.cotangent()];
    const both = (p: string | undefined, q: string | undefined) =>
      p === undefined || q === undefined ? p ?? q : b.op("And", [p, q]);
    const inside = () =>
      both(
        low && b.op("GreaterOrEqual", [x, low]),
        high && b.op("LessOrEqual", [x, high]),
      );
    const below = () =>
      both(b.op("Less", [x, low!]), high && b.op("LessOrEqual", [low!, high])) as string;
    // A bound is one number, of rank 0 or 1.
    const scalar = (value: string, bound: string) =>
      reshapeLike(b, reduceSum(b, value, undefined, false), bound);
    const above = () => {
      const rest = where(b, inside()!, 0, dz);
      return low === undefined ? rest : where(b, below(), 0, rest);
    };
    const mask = n.wants(0) ? inside() : undefined;
    return [
      n.wants(0) ? (mask === undefined ? dz : where(b, mask, dz, 0)) : undefined,
      low !== undefined && n.wants(1) ? scalar(where(b, below(), dz, 0), low) : undefined,
      high !== undefined && n.wants(2) ? scalar(above(), high) : undefined,
    ];
  },
};

/** The larger, the smaller, and what lies between. */
export const extrema: readonly OperatorRule[] = [extremum("Max"), extremum("Min"), clip];
