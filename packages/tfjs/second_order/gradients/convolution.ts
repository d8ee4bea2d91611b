/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { runKernel } from "./_tensors.ts";

/**
 * The gradients of the two backward kernels of a convolution `y = x ∗ w`. All three are the parts
 * of one trilinear form `Σ y̅ (x ∗ w)`, so that each one's gradients are the other two.
 */
function backwardPair(names: {
  readonly forward: string;
  readonly input: string;
  readonly filter: string;
}): tf.GradConfig[] {
  const { forward, input, filter } = names;
  const convolve = (x: tf.Tensor, w: tf.Tensor, attrs: tf.NamedAttrMap) => {
    const { inputShape: _, filterShape: __, ...rest } = attrs;
    // Depthwise backward kernels have no data format; the webgpu backend asks for one.
    const format = x.rank === 4 ? { dataFormat: "NHWC" } : {};
    return runKernel(forward, { x, filter: w }, { dilations: ones(x.rank), ...format, ...rest });
  };
  return [{
    kernelName: input, // x̅ = y̅ ∗ᵀ w
    inputsToSave: ["dy", "filter"],
    gradFunc: (dd, saved, attrs) => {
      const ddx = dd as tf.Tensor, [dy, w] = saved as [tf.Tensor, tf.Tensor];
      const { inputShape: _, ...rest } = attrs;
      return {
        dy: () => convolve(ddx, w, attrs),
        filter: () => runKernel(filter, { x: ddx, dy }, { ...rest, filterShape: w.shape }),
      };
    },
  }, {
    kernelName: filter, // w̅ = x ∗ y̅
    inputsToSave: ["x", "dy"],
    gradFunc: (dd, saved, attrs) => {
      const ddw = dd as tf.Tensor, [x, dy] = saved as [tf.Tensor, tf.Tensor];
      const { filterShape: _, ...rest } = attrs;
      return {
        x: () => runKernel(input, { dy, filter: ddw }, { ...rest, inputShape: x.shape }),
        dy: () => convolve(x, ddw, attrs),
      };
    },
  }];
}

function ones(rank: number): number[] {
  return new Array(rank - 2).fill(1);
}

/** The backward kernels of conv2d, depthwiseConv2d and conv3d. */
export const convolution: readonly tf.GradConfig[] = [
  ...backwardPair({
    forward: tf.Conv2D,
    input: tf.Conv2DBackpropInput,
    filter: tf.Conv2DBackpropFilter,
  }),
  ...backwardPair({
    forward: tf.DepthwiseConv2dNative,
    input: tf.DepthwiseConv2dNativeBackpropInput,
    filter: tf.DepthwiseConv2dNativeBackpropFilter,
  }),
  ...backwardPair({
    forward: tf.Conv3D,
    input: tf.Conv3DBackpropInputV2,
    filter: tf.Conv3DBackpropFilterV2,
  }),
];
