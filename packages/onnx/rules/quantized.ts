/** @module */
import { axisOf, isStatic, mul, reduceSum, reshapeLike, shapeOf } from "./shared/mod.ts";
import type { GradientContext, OperatorRule } from "../graph/rule.ts";

/** `y = s (x − z)` of integers x, by tensor, by axis or by blocks of one: `∂s = Σ ∂y (x − z)`. */
const dequantizeLinear: OperatorRule = {
  opType: "DequantizeLinear",
  since: 10,
  // Scales of quantized weights.
  constants: [1],
  infer: (n) => {
    const [type, scale] = [n.type(0), n.type(1)];
    if (type === undefined || scale === undefined) return [];
    return [{ dataType: n.int("output_dtype", 0) || scale.dataType, dims: type.dims }];
  },
  gradient: (n) => [undefined, n.wants(1) ? scaleGradient(n) : undefined],
};

function scaleGradient(n: GradientContext): string {
  const { b } = n;
  const s = n.input(1)!;
  const [dims, scaleDims] = [b.dims(n.input(0)!), b.dims(s)];
  const given = n.cotangent();
  const dy = b.dataType(given) === b.dataType(s)
    ? given
    : b.op("Cast", [given], { to: b.dataType(s) });
  // The same node with scales of one: the kernel knows every type of integers.
  const ones = b.op("Expand", [b.scalar(1, s), shapeOf(b, s)]);
  const block = n.int("block_size", 0);
  const attributes = {
    ...(scaleDims.length === 0 ? {} : { axis: n.int("axis", 1) }),
    ...(block === 0 ? {} : { block_size: block }),
  };
  const steps = b.op("DequantizeLinear", [n.input(0), ones, n.input(2)], attributes);
  b.declare(steps, { dataType: b.dataType(s), dims });
  const each = mul(b, dy, steps);
  if (scaleDims.length === 0 || (scaleDims.length === 1 && scaleDims[0] === 1)) {
    return reshapeLike(b, reduceSum(b, each, undefined, false), s);
  }
  const axis = axisOf(n, n.int("axis", 1), dims.length);
  if (block === 0) {
    const others = dims.map((_, k) => k).filter((k) => k !== axis);
    return reshapeLike(b, reduceSum(b, each, others, false), s);
  }
  if (!isStatic(dims) || !isStatic(scaleDims) || dims[axis]! % block !== 0) {
    return n.refuse("differentiate", "blocks need sizes that are known and multiples of the block");
  }
  const apart = [...dims.slice(0, axis), dims[axis]! / block, block, ...dims.slice(axis + 1)];
  return reduceSum(b, b.op("Reshape", [each, b.ints(apart)]), [axis + 1], false);
}

// QuantizeLinear has no rule: its gradient is 0 almost everywhere, which would cut the path to what is
// trained before it without a word; so it is refused on such a path.

/** Integers that stand for numbers. */
export const quantized: readonly OperatorRule[] = [dequantizeLinear];
