/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { runKernel, sumTo } from "../second_order/gradients/_tensors.ts";
import { deflate, each, inflate } from "./_axes.ts";
import { refuseRounding } from "./_rounding.ts";

/**
 * The gradients of a convolution. Dilations, which tfjs refuses, are those of a filter with zeros
 * between its taps; dimRoundingMode, which tfjs leaves out, is refused.
 */
function convolution(
  rank: number,
  names: { readonly forward: string; readonly input: string; readonly filter: string },
): tf.GradConfig {
  return {
    kernelName: names.forward,
    inputsToSave: ["x", "filter"],
    gradFunc: (d, saved, { dilations, ...rest }) => {
      const dy = d as tf.Tensor, [x, filter] = saved as [tf.Tensor, tf.Tensor];
      refuseRounding(names.forward, rest);
      const steps = each(dilations, rank);
      const attrs = { ...rest, dilations: new Array(rank).fill(1) };
      const wide = () => steps.reduce<tf.Tensor>((w, step, axis) => inflate(w, axis, step), filter);
      const wideShape = filter.shape.map((n, i) => i < rank ? (n - 1) * steps[i]! + 1 : n);
      return {
        x: () => runKernel(names.input, { dy, filter: wide() }, { ...attrs, inputShape: x.shape }),
        filter: () => {
          const dw = runKernel(names.filter, { x, dy }, { ...attrs, filterShape: wideShape });
          return steps.reduce<tf.Tensor>((w, step, axis) => deflate(w, axis, step), dw);
        },
      };
    },
  };
}

const conv2D = convolution(2, {
  forward: tf.Conv2D,
  input: tf.Conv2DBackpropInput,
  filter: tf.Conv2DBackpropFilter,
});
const depthwise = convolution(2, {
  forward: tf.DepthwiseConv2dNative,
  input: tf.DepthwiseConv2dNativeBackpropInput,
  filter: tf.DepthwiseConv2dNativeBackpropFilter,
});
const conv3D = convolution(3, {
  forward: tf.Conv3D,
  input: tf.Conv3DBackpropInputV2,
  filter: tf.Conv3DBackpropFilterV2,
});

/** Convolutions of any dilation. */
export const convolutions: readonly tf.GradConfig[] = [conv2D, depthwise, conv3D];

/** The fused kernels, by the scope in which tfjs records their own gradient function. */
const fused: Readonly<Record<string, tf.GradConfig>> = {
  fusedConv2d__op: conv2D,
  fusedDepthwiseConv2d__op: depthwise,
};

/** Kernels that run in these scopes. */
export const fusedKernels: readonly string[] = [tf.FusedConv2D, tf.FusedDepthwiseConv2D];

/**
 * The gradient function of a fused convolution with dilations, which tfjs refuses; undefined for any
 * other operation, and where an activation is fused, as outside of gradients.
 */
export function fusedGradient(
  scope: string,
  attrs: tf.NamedAttrMap,
): ((dy: tf.Tensor, saved: tf.Tensor[]) => Record<string, () => tf.Tensor>) | undefined {
  const config = fused[scope];
  const { dilations, activation, bias: _, ...rest } = attrs;
  if (!config || (activation ?? "linear") !== "linear") return undefined;
  if (each(dilations, 2).every((step) => step === 1)) return undefined;
  return (d, saved) => {
    const [filter, x, y, bias] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor?];
    const dy = tf.reshape(d, y.shape); // one image may have come without a batch
    const { leakyreluAlpha: __, ...plain } = rest;
    const gradients = config.gradFunc(dy, [x, filter], { ...plain, dilations: dilations! });
    return {
      0: gradients.x!,
      1: gradients.filter!,
      ...(bias ? { 2: () => sumTo(dy, bias.shape) } : {}),
    };
  };
}
