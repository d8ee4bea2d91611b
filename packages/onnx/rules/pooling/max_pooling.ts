/** @module */
import {
  add,
  DataType,
  indicator,
  mul,
  product,
  reshape,
  reshapeLike,
  shapeOf,
  sub,
} from "../shared/mod.ts";
import { convTransposeTo, padded, taps } from "../convolution/conv_emit.ts";
import {
  channelsAsImages,
  covered,
  filledUp,
  pooledType,
  poolWindows,
  repeated,
  tiled,
} from "./pool_emit.ts";
import type { GradientContext, OperatorRule } from "../../graph/rule.ts";
import {
  coveringPadding,
  type KnownWindows,
  MOST_ENTRIES,
  offsets,
  points,
  requirePadding,
} from "../shared/windows.ts";

/**
 * `y[p] = max_k x[p·stride + k·dilation − begin]`: ∂y goes to the first maximum of each window.
 *
 * Side by side, windows are compared with their maximum; others ask MaxPool for its Indices.
 */
const maxPool: OperatorRule = {
  opType: "MaxPool",
  since: 7,
  infer: (n) => {
    const [type] = pooledType(n);
    if (type === undefined || n.node.output.length < 2) return [type];
    return [type, { dataType: DataType.INT64, dims: type.dims }];
  },
  gradient: (n) => {
    const windows = tiling(n);
    return [windows === undefined ? byIndices(n) : byTiles(n, windows)];
  },
};

/** MaxPool for providers whose MaxPool has no Indices (WebGPU, WebGL): compares every window. */
export const maxPoolByComparison: OperatorRule = {
  ...maxPool,
  gradient: (n) => {
    const windows = tiling(n);
    return [windows === undefined ? byComparison(n) : byTiles(n, windows)];
  },
};

/** The windows, if they lie side by side. */
function tiling(n: GradientContext): KnownWindows | undefined {
  const { begins, ends, ...windows } = poolWindows(n)!;
  if (begins === undefined || ends === undefined) return undefined;
  const known = { ...windows, begins, ends };
  // Ranks are a table over the image.
  const entries = product(n.b.dims(n.input(0)!).slice(2));
  if (typeof entries === "number" && entries > MOST_ENTRIES) return undefined;
  return tiled(n.b, known, n.input(0)!, n.outputs[0]!) ? known : undefined;
}

/** Adds ∂y at the flat positions that MaxPool gives. */
function byIndices(n: GradientContext): string {
  const { b } = n;
  const [x, dy] = [n.input(0)!, n.cotangent()];
  const given = n.outputs[1] !== undefined && n.outputs[1] !== "" &&
    n.int("storage_order", 0) === 0;
  const indices = given ? n.outputs[1]! : b.node("MaxPool", [x], {
    kernel_shape: n.ints("kernel_shape"),
    strides: n.ints("strides"),
    dilations: n.ints("dilations"),
    pads: n.ints("pads"),
    auto_pad: n.string("auto_pad", "NOTSET"),
    ceil_mode: n.int("ceil_mode", 0),
  }, { outputs: 2 })[1]!;
  const flat = (value: string) => reshape(b, value, [product(b.dims(value))], b.ints([-1]));
  // ScatterElements adds no float16 on the CPU.
  const half = b.dataType(x) === DataType.FLOAT16;
  const updates = half ? b.op("Cast", [dy], { to: DataType.FLOAT }) : dy;
  const zeros = b.op("Expand", [b.scalar(0, updates), shapeOf(b, x)]);
  b.declare(zeros, { dataType: b.dataType(updates), dims: b.dims(x) });
  const sum = b.op("ScatterElements", [flat(zeros), flat(indices), flat(updates)], {
    axis: 0,
    reduction: "add",
  });
  return reshapeLike(b, half ? b.op("Cast", [sum], { to: DataType.FLOAT16 }) : sum, x);
}

/**
 * Windows side by side: `rank` counts down over the points of a window, so that among the points
 * equal to the maximum the first has the highest.
 */
function byTiles(n: GradientContext, windows: KnownWindows): string {
  const { b } = n;
  const [x, y, dy] = [n.input(0)!, n.outputs[0]!, n.cotangent()]
    // One channel an image: else ONNX Runtime reorders to blocks of channels, and back.
    .map((value) => channelsAsImages(b, value, 1)) as [string, string, string];
  const maximum = repeated(b, y, windows);
  const sizes = b.dims(maximum).slice(2) as readonly number[];
  const part = covered(b, x, sizes);
  const rank = b.constant(ranks(sizes, windows.kernel), b.dataType(x), sizes);
  // Products with 0 and 1 are faster than Where, which uses one thread.
  const score = mul(b, indicator(b, b.op("Equal", [part, maximum]), x), rank);
  const best = b.op("MaxPool", [score], {
    kernel_shape: windows.kernel,
    strides: windows.strides,
  });
  // Whole numbers, none above the best: 1 at the best, 0 below it. Where there are more of them than the
  // type tells apart, best − 1 would be rounded, the difference is not.
  const above = points(windows) <= exactUpTo(b.dataType(x))
    ? sub(b, score, repeated(b, sub(b, best, 1), windows))
    : add(b, sub(b, score, repeated(b, best, windows)), 1);
  const first = b.op("Relu", [above]);
  const dx = mul(b, first, repeated(b, dy, windows));
  return reshapeLike(b, filledUp(b, dx, x), n.input(0)!);
}

/** Up to here a floating type has every whole number. */
const exactUpTo = (type: DataType | undefined): number =>
  type === DataType.FLOAT16 ? 2 ** 11 : type === DataType.BFLOAT16 ? 2 ** 8 : 2 ** 24;

/** For every point of a grid how many points of its window do not come before it. */
function ranks(sizes: readonly number[], kernel: readonly number[]): number[] {
  let found = [0];
  sizes.forEach((size, axis) => {
    const k = kernel[axis]!;
    found = found.flatMap((r) => Array.from({ length: size }, (_, i) => r * k + i % k));
  });
  const all = kernel.reduce((a, k) => a * k, 1);
  return found.map((r) => all - r);
}

/** Compares every point of every window with the maximum, and puts ∂y back by a ConvTranspose. */
function byComparison(n: GradientContext): string {
  const { b } = n;
  const [x, y, dy] = [n.input(0)!, n.outputs[0]!, n.cotangent()];
  const [big, small] = [b.dims(x).slice(2), b.dims(y).slice(2)];
  const known = requirePadding(n, poolWindows(n)!);
  if (n.int("ceil_mode", 0) !== 0 && [...big, ...small].some((d) => typeof d === "string")) {
    n.refuse("differentiate", "ceil_mode needs sizes that are known");
  }
  const windows = coveringPadding(known, big, small);
  const count = points(windows);
  if (count > 256) n.refuse("differentiate", `${count} points of a window cannot be compared`);
  const lowest = b.dataType(x) === DataType.FLOAT16 ? -65504 : -3.4028234663852886e38;
  let taken: string | undefined;
  const pieces = taps(b, padded(b, x, windows, lowest), windows, small).map((tap) => {
    const equal = b.op("Cast", [b.op("Equal", [tap, y])], { to: b.dataType(x) });
    const first = taken === undefined ? equal : mul(b, equal, sub(b, 1, taken));
    taken = taken === undefined ? equal : add(b, taken, first);
    return channelsAsImages(b, mul(b, first, dy), 1);
  });
  const stacked = count === 1 ? pieces[0]! : b.op("Concat", pieces, { axis: 1 });
  const places = offsets(windows).flatMap((_, k) =>
    Array.from({ length: count }, (_, j) => j === k ? 1 : 0)
  );
  const weight = b.constant(places, b.dataType(x), [count, 1, ...windows.kernel]);
  return reshapeLike(b, convTransposeTo(b, stacked, weight, { windows, like: x, channels: 1 }), x);
}

/** Maximum over windows. */
export const maxPooling: readonly OperatorRule[] = [maxPool];
