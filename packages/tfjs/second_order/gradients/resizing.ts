/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { runKernel, zerosFor } from "./_tensors.ts";

/** Both backward kernels are linear in dy, and the adjoint is the resizing itself. */
function backward(kernelName: string, forward: string): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ["dy", "images"],
    gradFunc: (dd, saved, attrs) => {
      const [dy, images] = saved as [tf.Tensor, tf.Tensor];
      const size = dy.shape.slice(1, 3);
      return {
        dy: () => runKernel(forward, { images: dd as tf.Tensor }, { ...attrs, size }),
        images: zerosFor(images),
      };
    },
  };
}

/** The backward kernels of resizeBilinear and resizeNearestNeighbor, as in upSampling2d. */
export const resizing: readonly tf.GradConfig[] = [
  backward(tf.ResizeBilinearGrad, tf.ResizeBilinear),
  backward(tf.ResizeNearestNeighborGrad, tf.ResizeNearestNeighbor),
];
