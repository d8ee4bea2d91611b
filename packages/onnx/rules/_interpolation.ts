/** @module */
import type { Builder } from "../graph/builder.ts";
import { isStatic } from "../graph/dims.ts";
import { dimOf, squeeze, transpose, transposeLast } from "../graph/emit.ts";
import { float } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { tensorData } from "../model/tensor.ts";
import { vectorOf } from "./_positions.ts";
import type { GradientContext, NodeContext } from "./rule.ts";

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
  const square = vectorOf(b, [1, 1, length, length]);
  const zeros = b.op("Expand", [
    b.constant([0], DataType.FLOAT, []),
    vectorOf(b, [length, length]),
  ]);
  const eye = b.op("Reshape", [b.op("EyeLike", [zeros]), square]);
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
  const scales = !byScales
    ? undefined
    : known === undefined
    ? join(floats(1, 1, 1), part(2, index))
    : floats(1, 1, 1, known[index]!);
  const sizes = byScales ? undefined : vectorOf(b, [1, 1, length, part(3, index)]);
  const resized = b.op("Resize", [eye, region, scales, sizes], sampling(n));
  const matrix = squeeze(b, resized, [0, 1]);
  const type = b.dataType(x);
  return type === DataType.FLOAT ? matrix : b.op("Cast", [matrix], { to: type });
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
