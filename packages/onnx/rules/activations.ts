/** @module */
import type { Builder, Operand } from "../graph/builder.ts";
import {
  add,
  div,
  float,
  indicator,
  mul,
  sameType,
  square,
  sub,
  to,
  unary,
  where,
} from "./shared/mod.ts";
import type { GradientContext, OperatorRule } from "../graph/rule.ts";

const sigmoidOf = (b: Builder, x: string) => b.op("Sigmoid", [x]);

/** `yes` where x > threshold, else `no`. */
function beyond(b: Builder, x: string, yes: Operand, no: Operand, threshold = 0): string {
  const like = typeof yes === "number" ? b.scalar(yes, x) : yes;
  return where(b, b.op("Greater", [x, b.scalar(threshold, x)]), like, no);
}

/** `y = max(x, 0)`: ∂y/∂x = 1 where x > 0, else 0 (at 0 too, as in every framework). */
const relu = unary(
  "Relu",
  7,
  // The output instead of the input: the input can then be freed.
  ({ b }, _, y) => indicator(b, b.op("Greater", [y, b.scalar(0, y)]), y),
);

/** `y = x` where x > α, else 0: ∂y/∂x = 1 where x > α. */
const thresholdedRelu = unary(
  "ThresholdedRelu",
  10,
  (n, x) => indicator(n.b, n.b.op("Greater", [x, n.b.scalar(n.float("alpha", 1), x)]), x),
);

/** `y = x` where x > 0, else α x: ∂y/∂x = 1 or α (at 0: α). */
const leakyRelu = unary(
  "LeakyRelu",
  7,
  (n, x) => beyond(n.b, x, 1, n.float("alpha", 0.01)),
);

/** `y = x` where x > 0, else s x: ∂y/∂x = 1 or s, ∂y/∂s = min(x, 0). */
const pRelu: OperatorRule = {
  opType: "PRelu",
  since: 7,
  infer: sameType,
  gradient: (n) => {
    const { b } = n;
    const [x, slope, dy] = [n.input(0)!, n.input(1)!, n.cotangent()];
    return [
      n.wants(0) ? mul(b, dy, beyond(b, x, 1, slope)) : undefined,
      to(n, 1, () => mul(b, dy, beyond(b, x, 0, x))),
    ];
  },
};

/** `y = x` where x > 0, else α (eˣ − 1): ∂y/∂x = 1 or y + α (at 0: α). */
const elu = unary(
  "Elu",
  7,
  (n, x, y) => beyond(n.b, x, 1, add(n.b, y, n.float("alpha", 1))),
);

/** `y = γ x` where x > 0, else γ α (eˣ − 1): ∂y/∂x = γ or y + γ α. */
const selu = unary("Selu", 7, (n, x, y) => {
  const gamma = n.float("gamma", 1.0507010221481323);
  const alpha = n.float("alpha", 1.6732631921768188);
  return beyond(n.b, x, gamma, add(n.b, y, gamma * alpha));
});

/** `y = x` where x > 0, else α (e^{x/α} − 1): ∂y/∂x = 1 or y/α + 1. */
const celu = unary("Celu", 12, (n, x, y) => {
  const alpha = n.float("alpha", 1);
  return beyond(n.b, x, 1, add(n.b, mul(n.b, y, 1 / alpha), 1));
});

/** `y = σ(x)`: ∂y/∂x = y (1 − y). */
const sigmoid = unary("Sigmoid", 7, ({ b }, _, y) => mul(b, y, sub(b, 1, y)));

/** `y = tanh x`: ∂y/∂x = 1 − y². */
const tanh = unary("Tanh", 7, ({ b }, _, y) => sub(b, 1, square(b, y)));

/** `α` where 0 < y < 1, else 0: the slope of `y = max(0, min(1, α x + β))`. */
function hardSlope(b: Builder, y: string, alpha: number): string {
  const inside = b.op("And", [
    b.op("Greater", [y, b.scalar(0, y)]),
    b.op("Less", [y, b.scalar(1, y)]),
  ]);
  return where(b, inside, b.scalar(alpha, y), 0);
}

/** `y = max(0, min(1, α x + β))`: ∂y/∂x = α where 0 < y < 1, else 0 (at the kinks too). */
const hardSigmoid = unary(
  "HardSigmoid",
  7,
  (n, _, y) => hardSlope(n.b, y, n.float("alpha", 0.2)),
);

/** `y = x h`, `h = max(0, min(1, x/6 + 1/2))`: ∂y/∂x = h + x h′. */
const hardSwish = unary("HardSwish", 14, ({ b }, x) => {
  const h = b.op("HardSigmoid", [x], { alpha: float(1 / 6), beta: float(0.5) });
  return add(b, h, mul(b, x, hardSlope(b, h, 1 / 6)));
});

/** `y = x s`, `s = σ(α x)`: ∂y/∂x = s + α y (1 − s). */
const swish = unary("Swish", 24, (n, x, y) => {
  const { b } = n;
  const alpha = n.float("alpha", 1);
  const s = sigmoidOf(b, mul(b, x, alpha));
  return add(b, s, mul(b, mul(b, y, alpha), sub(b, 1, s)));
});

/** `y = x t`, `t = tanh ln(1 + eˣ)`: ∂y/∂x = t + x σ(x) (1 − t²), which overflows nowhere. */
const mish = unary("Mish", 18, ({ b }, x) => {
  const t = b.op("Tanh", [b.op("Softplus", [x])]);
  // x last: ONNX Runtime fuses x σ(x) into its QuickGelu also in double, which has no kernel there.
  const rate = mul(b, sigmoidOf(b, x), sub(b, 1, square(b, t)));
  return add(b, t, mul(b, x, rate));
});

/** `y = ln(1 + eˣ)`: ∂y/∂x = σ(x). */
const softplus = unary("Softplus", 7, ({ b }, x) => sigmoidOf(b, x));

/** `y = x / (1 + |x|)`: ∂y/∂x = 1 / (1 + |x|)². */
const softsign: OperatorRule = {
  opType: "Softsign",
  since: 7,
  infer: sameType,
  gradient: (n) => {
    const { b } = n;
    return [div(b, n.cotangent(), square(b, add(b, b.op("Abs", [n.input(0)!]), 1)))];
  },
};

/** `y = x + ℓ` where x < −λ, `x − ℓ` where x > λ, else 0: ∂y/∂x = 1 outside [−λ, λ]. */
const shrink = unary("Shrink", 9, (n: GradientContext, x) => {
  const { b } = n;
  const lambda = n.float("lambd", 0.5);
  const outside = b.op("Or", [
    b.op("Greater", [x, b.scalar(lambda, x)]),
    b.op("Less", [x, b.scalar(-lambda, x)]),
  ]);
  return indicator(b, outside, x);
});

/** Activation functions. */
export const activations: readonly OperatorRule[] = [
  relu,
  thresholdedRelu,
  leakyRelu,
  pRelu,
  elu,
  selu,
  celu,
  sigmoid,
  tanh,
  hardSigmoid,
  hardSwish,
  swish,
  mish,
  softplus,
  softsign,
  shrink,
];
