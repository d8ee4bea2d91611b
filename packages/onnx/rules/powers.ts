/** @module */
import type { Builder } from "../graph/builder.ts";
import {
  broadcastType,
  DataType,
  div,
  mul,
  sub,
  tensorData,
  tensorSize,
  to,
  where,
} from "./shared/mod.ts";
import type { GradientContext, OperatorRule } from "../graph/rule.ts";

/**
 * `z = xʸ`: ∂z/∂x = y xʸ⁻¹, ∂z/∂y = z ln x.
 *
 * Both are 0 at x = 0 where the power is flat (y = 0 for ∂x, y ≥ 0 for ∂y), as in PyTorch, instead
 * of the NaN of `0 · ∞`. An exponent of another type than x (allowed since opset 12) is cast.
 */
const power: OperatorRule = {
  opType: "Pow",
  since: 7,
  constants: [1],
  infer: broadcastType,
  gradient: (n) => {
    const { b } = n;
    const exponent = n.wants(1) ? undefined : constantOf(b, n.input(1)!);
    return [
      exponent === 0
        ? undefined
        : to(n, 0, () => exponent === undefined ? byBase(n) : byBaseOf(n, exponent)),
      to(n, 1, () => {
        // ln 1 = 0 instead of ln 0.
        const x = n.input(0)!;
        const safe = where(b, b.op("Equal", [x, b.scalar(0, x)]), b.scalar(1, x), x);
        return mul(b, n.cotangent(), mul(b, n.outputs[0]!, b.op("Log", [safe])));
      }),
    ];
  },
};

function byBaseOf(n: GradientContext, p: number): string {
  const { b } = n;
  const [x, dz] = [n.input(0)!, n.cotangent()];
  if (p === 1) return dz;
  const scaled = mul(b, dz, p);
  if (p === 2) return mul(b, scaled, x);
  return p === 0.5
    ? div(b, scaled, n.outputs[0]!)
    : mul(b, scaled, b.op("Pow", [x, b.scalar(p - 1, x)]));
}

function byBase(n: GradientContext): string {
  const { b } = n;
  const [x, given] = [n.input(0)!, n.input(1)!];
  const type = b.dataType(x);
  const y = b.dataType(given) === type ? given : b.op("Cast", [given], { to: type });
  const zero = b.scalar(0, x);
  const flat = b.op("And", [b.op("Equal", [x, zero]), b.op("Equal", [y, zero])]);
  const lower = sub(b, where(b, flat, b.scalar(1, x), y), 1);
  return mul(b, n.cotangent(), mul(b, y, b.op("Pow", [x, lower])));
}

/** The number that a constant of one element holds. */
function constantOf(b: Builder, name: string): number | undefined {
  const known = b.scalarValue(name) ?? b.known(name)?.[0];
  if (known !== undefined && (b.type(name)?.dims ?? [1]).every((d) => d === 1)) {
    return typeof known === "number" ? known : undefined;
  }
  const tensor = b.initializers.get(name);
  if (tensor === undefined || tensorSize(tensor) !== 1) return undefined;
  const readable = tensor.dataType === DataType.FLOAT || tensor.dataType === DataType.DOUBLE;
  return readable ? Number(tensorData(tensor)[0]) : undefined;
}

/** Powers. */
export const powers: readonly OperatorRule[] = [power];
