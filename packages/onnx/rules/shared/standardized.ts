/** @module */
import type { Builder, Operand } from "../../graph/builder.ts";
import { add, countOf, div, mul, sub } from "../../graph/emit.ts";
import { isStatic } from "../../graph/dims.ts";
import { float } from "../../model/attributes.ts";
import { DataType } from "../../model/data_type.ts";

/** A value over the axes from one on, with mean 0 (if centred) and variance 1. */
export interface Standardized {
  /** `x̂ = (x − μ) r`, without centring `x r`. */
  readonly xhat: string;
  /** `r = 1/√(σ² + ε)`, the axes as ones. */
  readonly r: string;
  /** Number of elements that are averaged. */
  readonly count: Operand;
}

/** How {@linkcode standardized} reads a value. */
export interface Standardization {
  /** First of the axes. */
  readonly axis: number;
  readonly epsilon: number;
  /** Whether the mean is taken off. */
  readonly centred: boolean;
}

/** x̂ and r of a value (float32 or wider). */
export function standardized(
  b: Builder,
  x: string,
  { axis, epsilon, centred }: Standardization,
): Standardized {
  const dims = b.dims(x);
  const axes = dims.slice(axis).map((_, k) => axis + k);
  const count = countOf(b, x, axes);
  if (centred && b.dataType(x) === DataType.FLOAT) {
    // One fused pass. (Its r is float32 whatever x is, so not for double.)
    const sizes = dims.slice(axis);
    const shape = isStatic(sizes) ? b.ints(sizes) : b.op("Shape", [x], { start: axis });
    const ones = b.op("Expand", [b.scalar(1, x), shape]);
    const [xhat, , r] = b.node("LayerNormalization", [x, ones], {
      axis,
      epsilon: float(epsilon),
    }, { outputs: 3 });
    return { xhat: xhat!, r: r!, count };
  }
  const c = centred ? sub(b, x, b.op("ReduceMean", [x, b.ints(axes)], { keepdims: 1 })) : x;
  const variance = div(b, b.op("ReduceSumSquare", [c, b.ints(axes)], { keepdims: 1 }), count);
  const r = inverseRoot(b, variance, epsilon);
  return { xhat: mul(b, c, r), r, count };
}

/** `1/√(v + ε)`. */
export const inverseRoot = (b: Builder, v: string, epsilon: number): string =>
  b.op("Reciprocal", [b.op("Sqrt", [add(b, v, epsilon)])]);

/** float16 as float32, in which its statistics are computed; others as they are. */
export function widened(b: Builder, x: string): string {
  const type = b.dataType(x);
  const half = type === DataType.FLOAT16 || type === DataType.BFLOAT16;
  return half ? b.op("Cast", [x], { to: DataType.FLOAT }) : x;
}

/** A value in the element type of another. */
export function castLike(b: Builder, x: string, like: string): string {
  const to = b.dataType(like);
  return b.dataType(x) === to ? x : b.op("Cast", [x], { to });
}

/** A vector over the channels (axis 1) in the rank of a value, to broadcast against it. */
export function channels(b: Builder, vector: string, rank: number): string {
  if (rank <= 2) return vector;
  return b.op("Unsqueeze", [vector, b.ints(Array.from({ length: rank - 2 }, (_, k) => k + 1))]);
}
