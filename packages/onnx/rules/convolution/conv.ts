/** @module */
import { type Dim, isStatic, reduceSum } from "../shared/mod.ts";
import { convTransposeTo, depthwiseTranspose } from "./conv_emit.ts";
import { weightGradient } from "./conv_weight.ts";
import type { GradientContext, NodeContext, OperatorRule } from "../../graph/rule.ts";
import { outputSizes, requirePadding, type Windows, windowsOf } from "../shared/windows.ts";

/** The shape of a convolution's weights; refuses a kernel of unknown size and what does not fit. */
export function weightDims(n: NodeContext): readonly Dim[] {
  const [x, w] = [n.b.dims(n.input(0)!), n.b.dims(n.input(1)!)];
  if (w.length !== x.length || w.length < 3) {
    n.refuse("read", `shapes [${x}] and [${w}] are not those of images and of weights`);
  }
  if (!isStatic(w.slice(2))) n.refuse("differentiate", `the kernel of shape [${w}] is not known`);
  const group = n.int("group", 1);
  if (group < 1 || (typeof w[0] === "number" && w[0] % group !== 0)) {
    n.refuse("read", `${group} groups do not fit weights of shape [${w}]`);
  }
  return w;
}

function convWindows(n: NodeContext, x: readonly Dim[], w: readonly Dim[]): Windows | undefined {
  const kernel = n.ints("kernel_shape") ?? w.slice(2);
  if (!isStatic(kernel) || w.length !== x.length) return undefined;
  return windowsOf(n, kernel, x.slice(2));
}

/** The gradient of a bias: summed over images and positions. */
export function biasGradient(n: GradientContext): string | undefined {
  if (n.input(2) === undefined || !n.wants(2)) return undefined;
  const rank = n.b.dims(n.input(1)!).length;
  const axes = [0, ...Array.from({ length: rank - 2 }, (_, k) => k + 2)];
  return reduceSum(n.b, n.cotangent(), axes, false);
}

/**
 * `Y[n, o, p] = b[o] + Σ_{c, k} W[o, c, k] X[n, c, p·stride + k·dilation − begin]`:
 * ∂X is the transposed convolution of ∂Y with the same weights,
 * `∂W[o, c, k] = Σ_{n, p} ∂Y[n, o, p] X[n, c, p·stride + k·dilation − begin]`, `∂b = Σ_{n, p} ∂Y`.
 */
const conv: OperatorRule = {
  opType: "Conv",
  since: 7,
  infer: (n) => {
    const [type, x, w] = [n.type(0), n.dims(0), n.dims(1)];
    if (type === undefined) return [];
    const windows = x === undefined || w === undefined ? undefined : convWindows(n, x, w);
    if (windows === undefined) {
      const dims = x?.map((d, k) =>
        k === 0 ? d : k === 1 ? w?.[0] ?? n.b.freshDim() : n.b.freshDim()
      );
      return [{ dataType: type.dataType, dims }];
    }
    const group = n.int("group", 1);
    const [channels, expected] = [x![1]!, w![1]!];
    if (
      typeof channels === "number" && typeof expected === "number" && channels !== expected * group
    ) {
      n.refuse("read", `the input has ${channels} channels, the weights take ${expected * group}`);
    }
    return [{
      dataType: type.dataType,
      dims: [x![0]!, w![0]!, ...outputSizes(n, windows, x!.slice(2))],
    }];
  },
  gradient: (n) => {
    const { b } = n;
    const [x, w, dy] = [n.input(0)!, n.input(1)!, n.cotangent()];
    const weight = weightDims(n);
    const group = n.int("group", 1);
    const windows = requirePadding(n, convWindows(n, b.dims(x), weight)!);
    const options = { windows, group, like: x };
    const dx = () => depthwiseTranspose(b, dy, w, options) ?? convTransposeTo(b, dy, w, options);
    return [
      n.wants(0) ? dx() : undefined,
      n.wants(1) ? weightGradient(b, { big: x, small: dy, windows, group, weight }) : undefined,
      biasGradient(n),
    ];
  },
};

/** Convolution. */
export const convolution: readonly OperatorRule[] = [conv];
