/** @module */
import type { Builder } from "../graph/builder.ts";
import { add, mul, square, sub } from "../graph/emit.ts";
import { DataType } from "../model/data_type.ts";
import type { GradientContext, NodeContext, OperatorRule } from "../graph/rule.ts";
import { unary } from "./shared/unary.ts";

const RATE = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** The standard normal distribution function `Φ(x) = (1 + erf(x/√2)) / 2`. */
function phi(b: Builder, x: string): string {
  const erf = b.op("Erf", [mul(b, x, Math.SQRT1_2)]);
  return mul(b, add(b, erf, 1), 0.5);
}

/** `∂/∂x x Φ(x) = Φ(x) + x e^{−x²/2} / √2π`. */
function exact(b: Builder, x: string): string {
  const density = b.op("Exp", [mul(b, square(b, x), -0.5)]);
  return add(b, phi(b, x), mul(b, mul(b, x, density), RATE / 2));
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

/** `y = x Φ(x)`, or with `approximate = "tanh"` `y = x (1 + t)/2`. */
const gelu: OperatorRule = unary("Gelu", 20, derivative);

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
  b.node("Mul", [x, share], {}, { outputs });
}

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
