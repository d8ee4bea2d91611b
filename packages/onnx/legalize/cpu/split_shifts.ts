/** @module */
import type { Builder } from "../../graph/builder.ts";
import {
  DataType,
  intsAttribute,
  isStatic,
  reduceSum,
  transpose,
  transposeLast,
} from "../../rules/shared/mod.ts";
import type { NodeContext } from "../../graph/rule.ts";

/** What is worth it: with 3 channels or fewer, and with more, the convolution is as fast. */
const MOST = { points: 121, channels: 16, outputs: 64 };
const LEAST = { points: 25, channels: 4 };

/** The value that is given with its first two axes exchanged. */
function exchanged(b: Builder, name: string): string | undefined {
  const node = b.producer(name);
  if (node?.opType !== "Transpose" || node.domain !== "") return undefined;
  return intsAttribute(node, "perm", undefined)?.join() === "1,0,2,3" ? node.input[0] : undefined;
}

/**
 * The weight gradient of a convolution with large windows, which comes as a convolution whose windows
 * are the cotangent, `W[c, o, i, j] = Σ_{n, p, q} X[n, c, p + i, q + j] Y[n, o, p, q]`, as a product for
 * every image: X is shifted along the width, Y along the height, so that `k (C + O)` planes are copied
 * for `k²` shifts.
 */
export function splitShifts(n: NodeContext): boolean {
  const { b, node } = n;
  if (node.input.length > 2 || n.type(0)?.dataType !== DataType.FLOAT) return false;
  const [x, y] = node.input.map((name) => exchanged(b, name)) as [string?, string?];
  if (x === undefined || y === undefined || n.int("group", 1) !== 1) return false;
  const plain = [...n.ints("strides") ?? [], ...n.ints("dilations") ?? []].every((s) => s === 1);
  if (!plain || n.string("auto_pad", "NOTSET") !== "NOTSET") return false;
  const [image, cotangent] = [b.dims(x), b.dims(y)];
  if (!isStatic(image.slice(1)) || !isStatic(cotangent.slice(1))) return false;
  const [, channels, height, width] = image as [string, number, number, number];
  const [, outputs, rows, columns] = cotangent as [string, number, number, number];
  const [top, left, bottom, right] = n.ints("pads") ?? [0, 0, 0, 0];
  const tall = height + top! + bottom!;
  const [high, wide] = [tall - rows + 1, width + left! + right! - columns + 1];
  const points = high * wide;
  const worthwhile = points >= LEAST.points && points <= MOST.points && high > 1 &&
    channels >= LEAST.channels && channels <= MOST.channels && outputs <= MOST.outputs;
  if (!worthwhile) return false;

  const pad = (value: string, pads: readonly number[]) =>
    pads.every((p) => p === 0) ? value : b.op("Pad", [value, b.ints(pads)]);
  const padded = pad(x, [0, 0, top!, left!, 0, 0, bottom!, right!]);
  const shifted = Array.from(
    { length: wide },
    (_, j) => b.op("Slice", [padded, b.ints([j]), b.ints([j + columns]), b.ints([3])]),
  );
  const view = (value: string, dims: readonly number[]) => b.op("Reshape", [value, b.ints(dims)]);
  const images = view(b.op("Concat", shifted, { axis: 1 }), [0, wide * channels, tall * columns]);
  // Copies that are `tall + 1` rows apart, read as rows of `tall`: each begins one row later.
  const spaced = pad(y, [0, 0, 0, 0, 0, 0, high, 0]);
  const copies = [...new Array<string>(high - 1).fill(spaced), y];
  const cotangents = view(b.op("Concat", copies, { axis: 2 }), [
    0,
    outputs * high,
    tall * columns,
  ]);
  const sum = reduceSum(b, b.op("MatMul", [cotangents, transposeLast(b, images)]), [0], false);
  const gradient = view(sum, [outputs, high, wide, channels]);
  b.alias(transpose(b, gradient, [3, 0, 1, 2]), node.output[0]!);
  return true;
}
