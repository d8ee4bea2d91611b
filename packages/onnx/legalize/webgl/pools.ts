/** @module */
import type { Builder } from "../../graph/builder.ts";
import { isStatic } from "../../graph/dims.ts";
import { add, mul, reshape, sub } from "../../graph/emit.ts";
import { DataType } from "../../model/data_type.ts";
import type { NodeProto } from "../../proto/onnx_pb.ts";
import { padded, taps } from "../../rules/convolution/conv_emit.ts";
import { maxPoolByComparison } from "../../rules/pooling/max_pooling.ts";
import { gradientContext, nodeContext } from "../../graph/node_context.ts";
import { poolWindows } from "../../rules/pooling/pool_emit.ts";
import type { NodeContext } from "../../graph/rule.ts";
import { coveringPadding, type KnownWindows } from "../../rules/shared/windows.ts";
import { pooledByPoints } from "../pooled_by_points.ts";
import { isZero, mask } from "./formulas.ts";

const LOWEST = -3.4028234663852886e38;

/** Poolings by the name of their Indices, by graph. */
const known = new WeakMap<Builder, Map<string, NodeProto>>();

/** The pooling whose Indices, as they are or flat, a value is. */
function poolOf(b: Builder, name: string): NodeProto | undefined {
  const found = known.get(b)?.get(name);
  if (found !== undefined) return found;
  const maker = b.producer(name);
  return maker !== undefined && /^(Reshape|Identity|Cast)$/.test(maker.opType)
    ? poolOf(b, maker.input[0]!)
    : undefined;
}

function windowsOf(n: NodeContext, output: string): KnownWindows | undefined {
  const { begins, ends, ...rest } = poolWindows(n)!;
  if (begins === undefined || ends === undefined) return undefined;
  const { b } = n;
  const sizes = b.dims(n.input(0)!).slice(2);
  return coveringPadding({ ...rest, begins, ends }, sizes, b.dims(output).slice(2));
}

/**
 * MaxPool's Indices are not made: where gradients scatter to them or gather from them, windows are
 * compared with their maximum instead.
 */
export function poolIndices(n: NodeContext): boolean {
  const { b, node } = n;
  if (node.opType === "MaxPool" && (node.output[1] ?? "") !== "") {
    const [y, indices] = node.output as [string, string];
    b.append({ ...node, output: [y] });
    b.declare(indices, { dataType: DataType.INT64, dims: b.dims(y) });
    const list = known.get(b) ?? new Map<string, NodeProto>();
    list.set(indices, { ...node, output: [y] });
    known.set(b, list);
    return true;
  }
  if (node.opType !== "ScatterElements" && node.opType !== "GatherElements") return false;
  const pool = poolOf(b, node.input[1]!);
  if (pool === undefined) return false;
  const [x, y] = [pool.input[0]!, pool.output[0]!];
  const shape = n.dims(0);
  if (shape === undefined) return false;
  let value: string;
  if (node.opType === "ScatterElements") {
    const dy = reshape(b, node.input[2]!, b.dims(y));
    const context = gradientContext(pool, b, [dy], () => true);
    const gradient = maxPoolByComparison.gradient;
    if (typeof gradient !== "function") return false;
    const dx = reshape(b, gradient(context)[0]!, shape);
    value = isZero(b, node.input[0]!) ? dx : add(b, node.input[0]!, dx);
  } else {
    const v = reshape(b, node.input[0]!, b.dims(x));
    const context = nodeContext(pool, b, b.opset);
    const windows = windowsOf(context, y);
    if (windows === undefined) return false;
    const small = b.dims(y).slice(2);
    const points = taps(b, padded(b, x, windows, LOWEST), windows, small);
    const values = taps(b, padded(b, v, windows), windows, small);
    let [sum, taken]: (string | undefined)[] = [];
    points.forEach((tap, k) => {
      const equal = mask(b, b.op("Equal", [tap, y]));
      const first = taken === undefined ? equal : mul(b, equal, sub(b, b.scalar(1, x), taken));
      taken = taken === undefined ? equal : add(b, taken, first);
      const part = mul(b, first, values[k]!);
      sum = sum === undefined ? part : add(b, sum, part);
    });
    value = reshape(b, sum!, b.dims(node.input[1]!));
  }
  b.alias(value, node.output[0]!);
  return true;
}

/**
 * Poolings and convolutions over one axis, with ceil_mode or with dilations in the forms that there
 * are: two axes, padding in the place of windows that stick out.
 */
export function pools(n: NodeContext): boolean {
  const { b, node } = n;
  const dims = n.dims(0);
  if (!/^(Conv|ConvTranspose|MaxPool|AveragePool)$/.test(node.opType) || dims === undefined) {
    return false;
  }
  if (dims.length === 3 && node.opType.startsWith("Conv")) return flatConv(n);
  if (node.opType === "AveragePool") {
    const y = pooledByPoints(n, true);
    if (y !== undefined) b.alias(y, node.output[0]!);
    return y !== undefined;
  }
  if (node.opType !== "MaxPool") return false;
  const dilated = n.ints("dilations")?.some((d) => d !== 1) === true;
  const ceil = n.int("ceil_mode", 0) !== 0;
  if (!dilated && !ceil) return false;
  if (!isStatic(dims)) return false;
  const sizes = sizesOf(n);
  if (sizes === undefined) return false;
  const { begins, ends, ...rest } = poolWindows(n)!;
  if (begins === undefined || ends === undefined) return false;
  const windows = coveringPadding({ ...rest, begins, ends }, dims.slice(2), sizes);
  const points = taps(b, padded(b, n.input(0)!, windows, LOWEST), windows, sizes);
  const y = points.reduce((best, tap) => b.op("Max", [best, tap]));
  b.alias(y, node.output[0]!);
  return true;
}

/** The numbers of windows. */
function sizesOf(n: NodeContext): number[] | undefined {
  const { b, node } = n;
  const context = nodeContext(node, b, b.opset);
  const type = maxPoolByComparison.infer!(context)[0];
  return isStatic(type?.dims) ? type.dims.slice(2) : undefined;
}

/** One axis as two, the first of size one. */
function flatConv(n: NodeContext): boolean {
  const { b, node } = n;
  const [x, w] = [b.dims(n.input(0)!), b.dims(n.input(1)!)];
  if (!isStatic(x) || !isStatic(w)) return false;
  const tall = (name: string, dims: readonly number[]) =>
    reshape(b, name, [dims[0]!, dims[1]!, 1, dims[2]!]);
  const front = (name: string, value: number) => {
    const given = n.ints(name);
    return given === undefined ? undefined : [value, ...given];
  };
  const pads = n.ints("pads");
  const y = b.op(node.opType, [tall(n.input(0)!, x), tall(n.input(1)!, w), n.input(2)], {
    kernel_shape: [1, w[2]!],
    strides: front("strides", 1),
    dilations: front("dilations", 1),
    output_padding: front("output_padding", 0),
    pads: pads === undefined ? undefined : [0, pads[0]!, 0, pads[1]!],
    group: n.int("group", 1),
    auto_pad: n.string("auto_pad", "NOTSET") === "NOTSET" ? undefined : n.string("auto_pad", ""),
  });
  const dims = b.dims(y);
  b.alias(reshape(b, y, [dims[0]!, dims[1]!, dims[3]!]), node.output[0]!);
  return true;
}
