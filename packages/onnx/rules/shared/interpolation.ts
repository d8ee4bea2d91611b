/** @module */
import type { Builder } from "../../graph/builder.ts";
import { isStatic, sameDims } from "../../graph/dims.ts";
import { dimOf, squeeze, transpose, transposeLast } from "../../graph/emit.ts";
import { float } from "../../model/attributes.ts";
import { DataType } from "../../model/data_type.ts";
import { tensorData } from "../../model/tensor.ts";
import { vectorOf } from "./positions.ts";
import type { GradientContext, NodeContext } from "../../graph/rule.ts";

/** The float elements of an initializer, also behind an Identity. */
export function floatsOf(b: Builder, name: string | undefined): readonly number[] | undefined {
  let at = name;
  for (;;) {
    if (at === undefined) return undefined;
    const tensor = b.initializers.get(at);
    if (tensor !== undefined) {
      if (tensor.dataType !== DataType.FLOAT) return undefined;
      return Array.from(tensorData(tensor) as Float32Array);
    }
    const source = b.producer(at);
    at = source?.opType === "Identity" ? source.input[0] : undefined;
  }
}

/** One axis that a node resizes; `index` is its place in `scales`, `sizes` and `roi`. */
export interface ResizedAxis {
  readonly axis: number;
  readonly index: number;
  /** How many axes these list. */
  readonly count: number;
}

/** Attributes of Resize that say how an axis is sampled. */
function sampling(n: NodeContext) {
  const antialias = n.int("antialias", 0);
  const mode = n.string("mode", "nearest");
  return {
    mode,
    coordinate_transformation_mode: n.string("coordinate_transformation_mode", "half_pixel"),
    nearest_mode: mode === "nearest" ? n.string("nearest_mode", "round_prefer_floor") : undefined,
    antialias: antialias === 0 ? undefined : antialias,
    exclude_outside: n.int("exclude_outside", 0) === 0 ? undefined : 1,
    cubic_coeff_a: mode === "cubic" ? float(n.float("cubic_coeff_a", -0.75)) : undefined,
  };
}

/**
 * `W` with `y = W x` along an axis, transposed: the same operator applied to the identity matrix.
 * So it agrees with the runtime in every mode, rounding included; for known sizes the runtime
 * folds it to a constant when it opens the graph.
 */
function transposedMatrix(n: GradientContext, { axis, index, count }: ResizedAxis): string {
  const { b } = n;
  const x = n.input(0)!;
  const length = dimOf(b, x, axis);
  const zeros = b.op("Expand", [
    b.constant([0], DataType.FLOAT, []),
    vectorOf(b, [length, length]),
  ]);
  // Rows of the matrix are channels, beside an axis of size one that may be copied.
  const square = vectorOf(b, [1, length, 1, length]);
  const eye = b.op("Reshape", [b.op("EyeLike", [zeros]), square]);
  const copies = copiesOf(n, axis);
  const part = (k: number, at: number) =>
    b.op("Slice", [n.input(k), b.ints([at]), b.ints([at + 1]), b.ints([0])]);
  const floats = (...values: number[]) => b.constant(values, DataType.FLOAT);
  const join = (...parts: string[]) => b.op("Concat", parts, { axis: 0 });
  const crops = n.string("coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize";
  const region = crops
    ? join(floats(0, 0, 0), part(1, index), floats(1, 1, 1), part(1, count + index))
    : undefined;
  const known = floatsOf(b, n.input(2));
  const byScales = n.input(3) === undefined;
  const scales = () => {
    const own = known === undefined ? part(2, index) : known[index]!;
    if (typeof copies === "number" && typeof own === "number") return floats(1, 1, copies, own);
    const vector = (value: number | string) => typeof value === "number" ? floats(value) : value;
    const times = typeof copies === "number"
      ? copies
      : b.op("Cast", [copies], { to: DataType.FLOAT });
    return join(floats(1, 1), vector(times), vector(own));
  };
  const sizes = () => vectorOf(b, [1, length, copies, part(3, index)]);
  const resized = b.op("Resize", [
    eye,
    region,
    byScales ? scales() : undefined,
    byScales ? undefined : sizes(),
  ], sampling(n));
  const first = copies === 1
    ? resized
    : b.op("Slice", [resized, b.ints([0]), b.ints([1]), b.ints([2])]);
  const matrix = squeeze(b, first, [0, 2]);
  const type = b.dataType(x);
  return type === DataType.FLOAT ? matrix : b.op("Cast", [matrix], { to: type });
}

/**
 * 2 where the result has another shape than x, else 1. ONNX Runtime copies a value whose shape stays
 * the same, whatever its scales and region are: an axis may keep its size, and yet be resampled
 * because another one does not. The second copy of nothing keeps the identity matrix from being
 * copied then.
 */
function copiesOf(n: GradientContext, axis: number): number | string {
  const { b } = n;
  const [x, y] = [n.input(0)!, n.outputs[0]!];
  const [from, to] = [b.dims(x), b.dims(y)];
  const differs = (k: number) =>
    typeof from[k] === "number" && typeof to[k] === "number" && from[k] !== to[k];
  // The matrix has another shape as it is.
  if (differs(axis) || sameDims(from, to)) return 1;
  if (from.some((_, k) => differs(k))) return 2;
  const same = b.op("Equal", [b.op("Shape", [x]), b.op("Shape", [y])]);
  const changed = b.op("Cast", [b.op("Not", [same])], { to: DataType.INT64 });
  return b.op("Add", [b.op("ReduceMax", [changed, b.ints([0])], { keepdims: 1 }), b.ints([1])]);
}

/** The gradient of resizing along one axis: `Wᵀ ∂y`. */
export function resizeBack(n: GradientContext, dy: string, resized: ResizedAxis): string {
  const { b } = n;
  const matrix = transposedMatrix(n, resized);
  const rank = b.dims(n.input(0)!).length;
  const last = rank - 1;
  if (resized.axis === last) {
    if (rank > 1) return b.op("MatMul", [dy, transposeLast(b, matrix)]);
    return b.op("MatMul", [matrix, dy]);
  }
  if (resized.axis === last - 1) return b.op("MatMul", [matrix, dy]);
  const swap = Array.from({ length: rank }, (_, k) => k);
  [swap[resized.axis], swap[last]] = [last, resized.axis];
  const product = b.op("MatMul", [transpose(b, dy, swap), transposeLast(b, matrix)]);
  return transpose(b, product, swap);
}

/**
 * How often each element is repeated where nearest resizing does just that, in blocks: for whole
 * scales, when sampling at pixel centres or at their lower corner.
 */
export function repetition(
  n: NodeContext,
  axis: number,
  scale: number | undefined,
): number | undefined {
  if (n.string("mode", "nearest") !== "nearest" || n.int("antialias", 0) !== 0) return undefined;
  const [from, to] = [n.dims(0)?.[axis], n.b.type(n.node.output[0]!)?.dims?.[axis]];
  const sizes = [from!, to!];
  const times = scale ?? (isStatic(sizes) ? sizes[1]! / sizes[0]! : undefined);
  if (times === undefined || !Number.isInteger(times) || times < 1) return undefined;
  const coordinates = n.string("coordinate_transformation_mode", "half_pixel");
  const rounding = n.string("nearest_mode", "round_prefer_floor");
  const centres = /^(half_pixel|half_pixel_symmetric|pytorch_half_pixel)$/.test(coordinates) &&
    /^round_prefer_(floor|ceil)$/.test(rounding);
  const corners = coordinates === "asymmetric" && rounding === "floor";
  return centres || corners ? times : undefined;
}
