/** @module */
import type { Builder } from "../../graph/builder.ts";
import {
  countOf,
  type Dim,
  div,
  expandLike,
  isStatic,
  mul,
  product,
  reshape,
  reshapeLike,
  signOf,
  where,
  zerosLike,
} from "../shared/mod.ts";
import { convAttributes } from "../convolution/conv_emit.ts";
import { pooledType, poolWindows, spread } from "./pool_emit.ts";
import type { GradientContext, Infer, OperatorRule } from "../../graph/rule.ts";
import {
  coveringPadding,
  type KnownWindows,
  MOST_ENTRIES,
  points,
  requirePadding,
} from "../shared/windows.ts";

/** Windows of a pooling whose sum is transposed. */
function windowsToSpread(n: GradientContext): KnownWindows {
  const { b } = n;
  const [big, small] = [b.dims(n.input(0)!).slice(2), b.dims(n.outputs[0]!).slice(2)];
  const windows = requirePadding(n, poolWindows(n)!);
  if (n.int("ceil_mode", 0) !== 0 && !(isStatic(big) && isStatic(small))) {
    n.refuse("differentiate", "ceil_mode needs sizes that are known");
  }
  return windows;
}

/**
 * `y[p] = Σ_k x[p·stride + k·dilation − begin] / count[p]`: ∂x sums ∂y/count over the windows that
 * read a point. count[p] is the number of points of window p within the input, or within the padded
 * input (count_include_pad).
 */
const averagePool: OperatorRule = {
  opType: "AveragePool",
  since: 7,
  infer: pooledType,
  gradient: (n) => {
    const { b } = n;
    const [x, y, dy] = [n.input(0)!, n.outputs[0]!, n.cotangent()];
    const given = windowsToSpread(n);
    const [big, small] = [b.dims(x).slice(2), b.dims(y).slice(2)];
    const windows = coveringPadding(given, big, small);
    const counts = countsOf(n, given, big, small);
    if (typeof counts === "number") return [spread(b, dy, { windows, like: x, scale: 1 / counts })];
    return [spread(b, div(b, dy, counts), { windows, like: x })];
  },
};

/** How many points each window averages: a number if it is the same for all. */
function countsOf(
  n: GradientContext,
  windows: KnownWindows,
  big: readonly Dim[],
  small: readonly Dim[],
): number | string {
  const { b } = n;
  const included = n.int("count_include_pad", 0) !== 0;
  const ceil = n.int("ceil_mode", 0) !== 0;
  const { begins, ends, dilations } = windows;
  if (!ceil && (included || [...begins, ...ends].every((p) => p === 0))) return points(windows);
  // Larger tables are computed in the graph instead of stored.
  if (!isStatic(big) || !isStatic(small) || small.reduce((a, d) => a * d, 1) > MOST_ENTRIES) {
    if (included) n.refuse("differentiate", `ceil_mode over images of the size [${big}]`);
    return countedInGraph(n, coveringPadding(windows, big, small), big);
  }
  let counts = [1];
  big.forEach((size, axis) => {
    const [begin, end] = [begins[axis]!, ends[axis]!];
    const [from, to] = included ? [-begin, size + end] : [0, size];
    const along = Array.from({ length: small[axis]! }, (_, p) => {
      const start = p * windows.strides[axis]! - begin;
      // How many k have from ≤ start + k·dilation < to.
      const before = (limit: number) =>
        Math.min(
          windows.kernel[axis]!,
          Math.max(0, Math.ceil((limit - start) / dilations[axis]!)),
        );
      return before(to) - before(from);
    });
    counts = counts.flatMap((c) => along.map((a) => c * a));
  });
  if (counts.every((c) => c === counts[0])) return counts[0]!;
  return b.constant(counts, b.dataType(n.input(0)!), small);
}

/** The windows' sums over an image of ones. */
function countedInGraph(n: GradientContext, windows: KnownWindows, big: readonly Dim[]): string {
  const { b } = n;
  const x = n.input(0)!;
  const sizes = b.op("Concat", [b.ints([1, 1]), b.op("Shape", [x], { start: 2 })], { axis: 0 });
  const one = b.op("Expand", [b.scalar(1, x), sizes]);
  b.declare(one, { dataType: b.dataType(x), dims: [1, 1, ...big] });
  const weight = b.constant(
    Array.from({ length: points(windows) }, () => 1),
    b.dataType(x),
    [1, 1, ...windows.kernel],
  );
  return b.op("Conv", [one, weight], convAttributes(windows, 1));
}

/** `y[p] = (Σ_k |x_k|^r)^(1/r)` over windows: ∂x = sgn(x) |x|^(r−1) Σ_p ∂y y^(1−r). */
const lpPool: OperatorRule = {
  opType: "LpPool",
  since: 7,
  infer: pooledType,
  gradient: (n) => {
    const { b } = n;
    const [x, y] = [n.input(0)!, n.outputs[0]!];
    const given = windowsToSpread(n);
    const windows = coveringPadding(given, b.dims(x).slice(2), b.dims(y).slice(2));
    return [normSlope(n, (value) => spread(b, value, { windows, like: x }))];
  },
};

/** The gradient of an r-norm, `over` bringing a value of each result to the elements it comes from. */
function normSlope(n: GradientContext, over: (value: string) => string): string {
  const { b } = n;
  const [x, y, dy, r] = [n.input(0)!, n.outputs[0]!, n.cotangent(), n.int("p", 2)];
  if (r < 1) n.refuse("differentiate", `p is ${r}, expected at least 1`);
  if (r === 1) return mul(b, signOf(b, x), over(dy));
  // All of a window is 0 where its norm is: so is its gradient, if the quotient is finite.
  const norm = where(b, b.op("Equal", [y, b.scalar(0, y)]), 1, y);
  const power = (base: string, exponent: number) =>
    exponent === 1 ? base : b.op("Pow", [base, b.scalar(exponent, base)]);
  const each = over(div(b, dy, power(norm, r - 1)));
  if (r % 2 === 0) return mul(b, power(x, r - 1), each);
  return mul(b, mul(b, x, power(b.op("Abs", [x]), r - 2)), each);
}

/** Images and channels stay, the sizes become ones. */
const globalType: Infer = (n) => {
  const type = n.type(0);
  if (type === undefined) return [];
  return [{ dataType: type.dataType, dims: type.dims?.map((d, k) => k < 2 ? d : 1) }];
};

const spatialAxes = (b: Builder, x: string) => b.dims(x).slice(2).map((_, k) => k + 2);

/** `y = Σ x / P` over all P points: ∂x = ∂y / P. */
const globalAveragePool: OperatorRule = {
  opType: "GlobalAveragePool",
  since: 7,
  infer: globalType,
  gradient: (n) => {
    const { b } = n;
    const x = n.input(0)!;
    return [expandLike(b, div(b, n.cotangent(), countOf(b, x, spatialAxes(b, x))), x)];
  },
};

/** `y = max x` over all points: ∂y goes to the first maximum. */
const globalMaxPool: OperatorRule = {
  opType: "GlobalMaxPool",
  since: 7,
  infer: globalType,
  gradient: (n) => {
    const { b } = n;
    const [x, dy] = [n.input(0)!, n.cotangent()];
    const [batch, channels, ...sizes] = b.dims(x);
    const flat = (value: string, points: Dim) =>
      reshape(b, value, [batch!, channels!, points], b.ints([0, 0, -1]));
    const image = flat(x, product(sizes));
    const first = b.op("ArgMax", [image], { axis: 2 });
    const put = b.op("ScatterElements", [zerosLike(b, image), first, flat(dy, 1)], { axis: 2 });
    return [reshapeLike(b, put, x)];
  },
};

/** `y = (Σ |x|^r)^(1/r)` over all points: ∂x = sgn(x) |x|^(r−1) ∂y y^(1−r). */
const globalLpPool: OperatorRule = {
  opType: "GlobalLpPool",
  since: 7,
  infer: globalType,
  // Broadcasting brings each norm to its elements.
  gradient: (n) => [normSlope(n, (value) => value)],
};

/** Means and norms over windows, and pooling over whole images. */
export const pooling: readonly OperatorRule[] = [
  averagePool,
  lpPool,
  globalAveragePool,
  globalMaxPool,
  globalLpPool,
];
