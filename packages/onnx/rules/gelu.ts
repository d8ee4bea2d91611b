/** @module */
import type { Builder } from "../graph/builder.ts";
import { add, DataType, float, late, mul, square, sub, unary } from "./shared/mod.ts";
import type { GradientContext, NodeContext, OperatorRule } from "../graph/rule.ts";
import { create } from "../proto/create.ts";
import { NodeProto } from "../proto/onnx_pb.ts";

const RATE = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

const root = (b: Builder, x: string) => mul(b, x, Math.SQRT1_2);

/** The standard normal distribution function `Φ(x) = (1 + erf(x/√2)) / 2`. */
function phi(b: Builder, x: string): string {
  // One pass where sum and product are two; what it cuts off at 0 and 1 is not beyond them.
  return b.op("HardSigmoid", [b.op("Erf", [root(b, x)])], { alpha: float(0.5), beta: float(0.5) });
}

/** `∂/∂x x Φ(x) = Φ(x) + x e^{c − u²}`, `u = x/√2`, `c = −½ log 2π`: no pass for the factor. */
function exact(b: Builder, x: string): string {
  const density = b.op("Exp", [sub(b, -0.5 * Math.log(2 * Math.PI), square(b, root(b, x)))]);
  return add(b, phi(b, x), mul(b, x, density));
}

/** `t = tanh u`, `u = √(2/π) (x + .044715 x³)`. */
function tanhOf(b: Builder, x: string): string {
  const inner = add(b, mul(b, square(b, x), RATE * CUBIC), RATE);
  return b.op("Tanh", [mul(b, x, inner)]);
}

/** `∂/∂x x (1 + t)/2 = (1 + t)/2 + x (1 − t²) u′/2`. */
function approximate(b: Builder, given: string): string {
  // Half precision: x² overflows from 256 on and `0 · ∞` would follow; beyond 10 nothing changes.
  const x = b.dataType(given) === DataType.FLOAT16
    ? b.op("Clip", [given, b.scalar(-10, given), b.scalar(10, given)])
    : given;
  const t = tanhOf(b, x);
  const slope = add(b, mul(b, square(b, x), 1.5 * RATE * CUBIC), RATE / 2);
  return add(
    b,
    add(b, mul(b, t, 0.5), 0.5),
    mul(b, mul(b, x, slope), sub(b, 1, square(b, t))),
  );
}

function derivative(n: GradientContext, x: string): string {
  const mode = n.string("approximate", "none");
  if (mode !== "none" && mode !== "tanh") {
    n.refuse("differentiate", `approximate is "${mode}", known are "none" and "tanh"`);
  }
  return mode === "tanh" ? approximate(n.b, x) : exact(n.b, x);
}

/**
 * `y = x Φ(x)`, or with `approximate = "tanh"` `y = x (1 + t)/2`. Of the forward pass only x is kept:
 * what the derivative shares with y is computed again, which costs less than to read it.
 */
const gelu: OperatorRule = {
  ...unary("Gelu", 20, () => 1),
  gradient: (n) => {
    const dy = n.cotangent();
    return [mul(n.b, dy, derivative(n, late(n.b, n.input(0)!, dy)))];
  },
};

/**
 * `x Φ(x)` or its approximation by tanh: Gelu where the operator set has it (20), else its formula.
 * `output` names the result.
 */
export function appendGelu(
  b: Builder,
  x: string,
  options: { readonly approximate?: boolean; readonly output: string },
): void {
  const tanh = options.approximate === true;
  const outputs = [options.output];
  if (b.opset >= 20) {
    b.node("Gelu", [x], { approximate: tanh ? "tanh" : undefined }, { outputs });
    return;
  }
  const share = tanh ? mul(b, add(b, tanhOf(b, x), 1), 0.5) : phi(b, x);
  // As it is: where a graph had these very nodes, this one makes its result again.
  b.append(makeMul(b, [x, share], options.output));
}

const makeMul = (b: Builder, input: string[], output: string) =>
  create(NodeProto, {
    opType: "Mul",
    name: b.fresh(`${output}/Mul`),
    input,
    output: [output],
  });

/** A contributed operator that is written with standard ones, its output under its own name. */
const contributed = (
  opType: string,
  write: (n: NodeContext, x: string, output: string) => void,
): OperatorRule => ({
  opType,
  domain: "com.microsoft",
  since: 1,
  upgrade: (n) => {
    write(n, n.input(0)!, n.node.output[0]!);
    return true;
  },
});

const biased = (n: NodeContext, x: string) => {
  const bias = n.input(1);
  return bias === undefined ? x : add(n.b, x, bias);
};

/** The Gaussian error linear unit, and ONNX Runtime's own from before the standard had one. */
export const gelus: readonly OperatorRule[] = [
  gelu,
  contributed("Gelu", (n, x, output) => appendGelu(n.b, x, { output })),
  contributed("BiasGelu", (n, x, output) => appendGelu(n.b, biased(n, x), { output })),
  contributed(
    "FastGelu",
    (n, x, output) => appendGelu(n.b, biased(n, x), { output, approximate: true }),
  ),
  // x σ(α x). Swish says the same, but only in operator set 24, and its kernel lags behind.
  contributed("QuickGelu", ({ b, float }, x, output) => {
    const gate = b.op("Sigmoid", [mul(b, x, float("alpha", 1.702))]);
    b.node("Mul", [x, gate], {}, { outputs: [output] });
  }),
];
