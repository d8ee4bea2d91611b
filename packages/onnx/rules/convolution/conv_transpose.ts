/** @module */
import { type Dim, dimOf, isStatic } from "../shared/mod.ts";
import { biasGradient, weightDims } from "./conv.ts";
import { convAttributes } from "./conv_emit.ts";
import { weightGradient } from "./conv_weight.ts";
import type { NodeContext, OperatorRule } from "../../graph/rule.ts";
import {
  type KnownWindows,
  requirePadding,
  span,
  split,
  type Windows,
  windowsOf,
} from "../shared/windows.ts";

/** The windows that scatter the input, and the sizes of the result. */
export interface Scattered {
  readonly windows: Windows;
  readonly output: readonly Dim[];
}

/** What a ConvTranspose does; undefined where its kernel is unknown. */
export function scattered(
  n: NodeContext,
  x: readonly Dim[],
  w: readonly Dim[],
): Scattered | undefined {
  const kernel = n.ints("kernel_shape") ?? w.slice(2);
  if (!isStatic(kernel) || w.length !== x.length) return undefined;
  const sizes = x.slice(2);
  const extra = n.ints("output_padding") ?? kernel.map(() => 0);
  const mode = n.string("auto_pad", "NOTSET");
  const same = mode === "SAME_UPPER" || mode === "SAME_LOWER";
  const given = n.ints("output_shape");
  const windows = windowsOf(n, kernel, sizes);
  const reached = (k: number) => {
    const size = sizes[k]!;
    if (typeof size === "string") return undefined;
    return (size - 1) * windows.strides[k]! + span(windows, k) + extra[k]!;
  };
  if (given === undefined && !same) {
    const output = sizes.map((size, k) => {
      const padding = windows.begins![k]! + windows.ends![k]!;
      const unchanged = windows.strides[k] === 1 && span(windows, k) - 1 + extra[k]! === padding;
      const to = reached(k);
      return to === undefined ? (unchanged ? size : n.b.freshDim()) : to - padding;
    });
    return { windows, output };
  }
  // The padding follows from the size of the result.
  const { strides } = windows;
  const output = given?.slice(-kernel.length) ??
    sizes.map((s, k) => typeof s === "number" ? s * strides[k]! : strides[k] === 1 ? s : undefined);
  const totals = kernel.map((_, k) => {
    const [to, size] = [reached(k), output[k]];
    if (typeof to === "number" && typeof size === "number") return Math.max(0, to - size);
    // Without an output_shape, s·size + span − s + extra − s·size: no size needed.
    if (given === undefined) return Math.max(0, span(windows, k) - strides[k]! + extra[k]!);
    return undefined;
  });
  const known = totals.every((t) => t !== undefined)
    ? split(totals as number[], mode !== "SAME_LOWER" && mode !== "NOTSET")
    : { begins: undefined, ends: undefined };
  return {
    windows: { ...windows, ...known },
    output: output.map((size) => size ?? n.b.freshDim()),
  };
}

/**
 * `Y[n, o, p·stride + k·dilation − begin] += W[c, o, k] X[n, c, p]`, the transpose of a convolution:
 * ∂X is the convolution of ∂Y with the same weights, and
 * `∂W[c, o, k] = Σ_{n, p} X[n, c, p] ∂Y[n, o, p·stride + k·dilation − begin]`, `∂b = Σ_{n, p} ∂Y`.
 */
const convTranspose: OperatorRule = {
  opType: "ConvTranspose",
  since: 7,
  infer: (n) => {
    const [type, x, w] = [n.type(0), n.dims(0), n.dims(1)];
    if (type === undefined) return [];
    const found = x === undefined || w === undefined ? undefined : scattered(n, x, w);
    if (found === undefined) return [{ dataType: type.dataType }];
    const [channels, expected, outputs] = [x![1]!, w![0]!, w![1]!];
    if (typeof channels === "number" && typeof expected === "number" && channels !== expected) {
      n.refuse("read", `the input has ${channels} channels, the weights take ${expected}`);
    }
    const features = typeof outputs === "number" ? outputs * n.int("group", 1) : n.b.freshDim();
    return [{ dataType: type.dataType, dims: [x![0]!, features, ...found.output] }];
  },
  gradient: (n) => {
    const { b } = n;
    const [x, w, dy] = [n.input(0)!, n.input(1)!, n.cotangent()];
    const weight = weightDims(n);
    const group = n.int("group", 1);
    const { windows: found } = scattered(n, b.dims(x), weight)!;
    const windows = requirePadding(n, found);
    const small = b.dims(x).slice(2);
    const dx = () => {
      const full = b.op("Conv", [dy, w], convAttributes(windows, group));
      return cropTo(b.dims(n.outputs[0]!).slice(2), full);
    };
    /** Room behind the last window, made by output_padding or output_shape, may hold more windows. */
    const cropTo = (big: readonly Dim[], full: string) => {
      const exact = small.every((size, k) => fits(size, big[k]!, windows, k));
      if (exact) {
        b.declare(full, { dataType: b.dataType(x), dims: b.dims(x) });
        return full;
      }
      const axes = small.map((_, k) => k + 2);
      const y = b.op("Slice", [
        full,
        b.ints(axes.map(() => 0)),
        axes.length === 1
          ? dimOf(b, x, 2)
          : b.op("Concat", axes.map((k) => dimOf(b, x, k)), { axis: 0 }),
        b.ints(axes),
      ]);
      b.declare(y, { dataType: b.dataType(x), dims: b.dims(x) });
      return y;
    };
    return [
      n.wants(0) ? dx() : undefined,
      n.wants(1) ? weightGradient(b, { big: dy, small: x, windows, group, weight }) : undefined,
      biasGradient(n),
    ];
  },
};

/** Whether a convolution over `big` points gives `small` results. */
function fits(small: Dim, big: Dim, windows: KnownWindows, k: number): boolean {
  if (typeof small !== "number" || typeof big !== "number") {
    return windows.strides[k] === 1 && small === big;
  }
  const room = big + windows.begins[k]! + windows.ends[k]! - span(windows, k);
  return Math.floor(room / windows.strides[k]!) + 1 === small;
}

/** Transposed convolution. */
export const transposedConvolution: readonly OperatorRule[] = [convTranspose];
