/** @module */
import {
  axisOf,
  DataType,
  type Dim,
  dimOf,
  isStatic,
  numbersOf,
  unsqueeze,
} from "../shared/mod.ts";
import { countTo, vectorOf } from "../shared/positions.ts";
import type { OperatorRule } from "../../graph/rule.ts";

/** The middle of each axis, or zeros around it: Slice and Pad for sizes that are known. */
const centerCropPad: OperatorRule = {
  opType: "CenterCropPad",
  since: 18,
  upgrade: (n) => {
    const { b, node } = n;
    const dims = n.dims(0);
    const sizes = numbersOf(n, 1);
    if (dims === undefined || sizes === undefined) return false;
    const axes = (n.ints("axes") ?? dims.map((_, k) => k)).map((k) => axisOf(n, k, dims.length));
    const from: readonly Dim[] = axes.map((k) => dims[k]!);
    if (!isStatic(from)) return false;
    const starts = from.map((d, k) => Math.max(0, Math.floor((d - sizes[k]!) / 2)));
    const cut = b.op("Slice", [
      n.input(0),
      b.ints(starts),
      b.ints(starts.map((s, k) => s + Math.min(sizes[k]!, from[k]!))),
      b.ints(axes),
    ]);
    const missing = from.map((d, k) => Math.max(0, sizes[k]! - d));
    const before = missing.map((m) => Math.floor(m / 2));
    b.node(
      "Pad",
      [
        cut,
        b.ints([...before, ...missing.map((m, k) => m - before[k]!)]),
        undefined,
        b.ints(axes),
      ],
      {},
      { outputs: node.output },
    );
    return true;
  },
};

/** Every combination of one number below each size, the last fastest. */
function places(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (all, size) => all.flatMap((place) => Array.from({ length: size }, (_, k) => [...place, k])),
    [[]],
  );
}

/** Windows laid over an image and added up, as the gradient of taking them: sizes are known. */
const col2Im: OperatorRule = {
  opType: "Col2Im",
  since: 18,
  infer: (n) => {
    const type = n.type(0);
    const [image, block] = [n.b.known(n.input(1)!), n.b.known(n.input(2)!)];
    if (type?.dims === undefined || image === undefined) return [];
    const count = block?.every((d) => typeof d === "number")
      ? (block as number[]).reduce((a, d) => a * d, 1)
      : undefined;
    const channels = type.dims[1];
    const c = typeof channels === "number" && count !== undefined
      ? channels / count
      : n.b.freshDim();
    return [{ dataType: type.dataType, dims: [type.dims[0]!, c, ...image] }];
  },
  expand: (n) => {
    const { b, node } = n;
    const [image, block] = [numbersOf(n, 1), numbersOf(n, 2)];
    if (image === undefined || block === undefined) {
      return n.refuse("differentiate", "its image_shape and block_shape must be constants");
    }
    const rank = image.length;
    const dilations = n.ints("dilations") ?? image.map(() => 1);
    const strides = n.ints("strides") ?? image.map(() => 1);
    const pads = n.ints("pads") ?? [...image, ...image].map(() => 0);
    const padded = image.map((d, k) => d + pads[k]! + pads[rank + k]!);
    const counts = padded.map((d, k) =>
      Math.floor((d - dilations[k]! * (block[k]! - 1) - 1) / strides[k]!) + 1
    );
    // Where element (within the window, window) lies in the padded image.
    const positions = places(block).flatMap((within) =>
      places(counts).map((window) =>
        padded.reduce(
          (at, size, k) => at * size + window[k]! * strides[k]! + within[k]! * dilations[k]!,
          0,
        )
      )
    );
    const x = n.input(0)!;
    const channels = b.dims(x)[1]!;
    const size = block.reduce((a, d) => a * d, 1);
    if (typeof channels !== "number") {
      return n.refuse("differentiate", "its channels are not known");
    }
    const c = channels / size;
    const columns = b.op("Reshape", [x, b.ints([0, c, -1])]);
    const batch = dimOf(b, x, 0);
    const whole = padded.reduce((a, d) => a * d, 1);
    const zeros = b.op("Expand", [b.scalar(0, x), vectorOf(b, [batch, c, whole])]);
    const index = b.op("Expand", [
      b.constant(positions, DataType.INT64, [1, 1, positions.length]),
      vectorOf(b, [batch, c, 1]),
    ]);
    const sum = b.op("ScatterElements", [zeros, index, columns], { axis: 2, reduction: "add" });
    const laid = b.op("Reshape", [sum, b.ints([0, c, ...padded])]);
    const axes = image.map((_, k) => k + 2);
    b.node(
      "Slice",
      [
        laid,
        b.ints(pads.slice(0, rank)),
        b.ints(image.map((d, k) => d + pads[k]!)),
        b.ints(axes),
      ],
      {},
      { outputs: node.output },
    );
  },
};

/**
 * The grid of an affine map, `g = θ [x, y, 1]ᵀ` (with z in space) for x, y in [−1, 1]: corners are
 * the middles of the outermost pixels (align_corners), or their edges.
 */
const affineGrid: OperatorRule = {
  opType: "AffineGrid",
  since: 20,
  upgrade: (n) => {
    const { b, node } = n;
    const theta = n.input(0)!;
    const size = n.b.known(n.input(1)!)?.slice(2);
    if (size === undefined || !isStatic(size)) return false;
    const aligned = n.int("align_corners", 0) !== 0;
    const coordinate = (k: number, length: number) =>
      aligned ? (length === 1 ? 0 : 2 * k / (length - 1) - 1) : (2 * k + 1) / length - 1;
    // x is the last axis, and the first coordinate.
    const base = places(size).flatMap((place) => [
      ...place.map((k, axis) => coordinate(k, size[axis]!)).reverse(),
      1,
    ]);
    const points = b.constant(base, b.dataType(theta), [
      base.length / (size.length + 1),
      size.length + 1,
    ]);
    const grid = b.op("MatMul", [points, b.op("Transpose", [theta], { perm: [0, 2, 1] })]);
    b.node("Reshape", [grid, b.ints([0, ...size, size.length])], {}, { outputs: node.output });
    return true;
  },
};

/** `y_j = Π_{i ≤ j} x_i` (i < j where exclusive, from the end where reverse), zeros included. */
const cumProd: OperatorRule = {
  opType: "CumProd",
  since: 26,
  upgrade: (n) => {
    const { b, node } = n;
    const x = n.input(0)!;
    const dims = n.dims(0);
    const given = numbersOf(n, 1)?.[0];
    if (dims === undefined || given === undefined) return false;
    const axis = axisOf(n, given, dims.length);
    const places = countTo(b, dimOf(b, x, axis));
    const tail = dims.slice(axis + 1).map((_, k) => k);
    const shaped = (at: number) =>
      unsqueeze(
        b,
        places,
        at === 0 ? [1, ...tail.map((k) => k + 2)] : [0, ...tail.map((k) => k + 2)],
      );
    const reverse = n.int("reverse", 0) !== 0;
    const [least, most] = reverse ? [shaped(1), shaped(0)] : [shaped(0), shaped(1)];
    // [i, j]: whether factor i counts for element j.
    const counts = b.op(n.int("exclusive", 0) === 0 ? "LessOrEqual" : "Less", [least, most]);
    const factors = b.op("Where", [counts, unsqueeze(b, x, [axis + 1]), b.scalar(1, x)]);
    b.node("ReduceProd", [factors, b.ints([axis])], { keepdims: 0 }, { outputs: node.output });
    return true;
  },
};

/** What networks on images use besides convolutions; cumulative products. */
export const images: readonly OperatorRule[] = [centerCropPad, col2Im, affineGrid, cumProd];
