/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { arithmetic } from "../second_order/gradients/arithmetic.ts";
import { convolution } from "../second_order/gradients/convolution.ts";
import { convolutions } from "./convolution.ts";
import { hookEngine } from "./hooks.ts";
import { images } from "./images.ts";
import { indexing } from "./indexing.ts";
import { poolings } from "./pooling.ts";
import { steps } from "./rounding.ts";

/** The gradients that the pack adds or replaces; those of backward kernels serve second derivatives. */
export const gradients: readonly tf.GradConfig[] = [
  ...arithmetic,
  // conv3dTranspose is the backward kernel of conv3d, and has no gradient in tfjs.
  ...convolution.filter(({ kernelName }) => kernelName === tf.Conv3DBackpropInputV2),
  ...convolutions,
  ...images,
  ...indexing,
  ...poolings,
  ...steps,
];

let restore: (() => void) | undefined;

/**
 * Puts first gradients right that TensorFlow.js has wrong on one backend or all, and adds some that it
 * lacks. Importing `@precond/tfjs/gradients` does it; a second call does nothing.
 *
 * Wrong in TensorFlow.js 4.22: average pooling where windows hang over the border, max-pooling of
 * volumes by windows of unequal height and width, mirrorPad, cumsum along other axes than the last,
 * upSampling2d on cpu unless images are square, halfPixelCenters, floorDiv, casts to
 * whole numbers, gather with batchDims, pow at 0. A dimRoundingMode other than "floor" is refused.
 * Added, since refused there: dilated convolutions, conv3dTranspose,
 * einsum, comparisons (where, masks, thresholdedReLU), normalization without scale or center.
 *
 * @throws {TypeError} If TensorFlow.js has no gradients registered, or its tape is another one.
 */
export function enableGradients(): void {
  if (restore) return;
  if (!tf.getGradient("Add")) {
    throw new TypeError(
      'Cannot correct gradients: TensorFlow.js has none; import "@tensorflow/tfjs-layers" or "@tensorflow/tfjs" first',
    );
  }
  const unhook = hookEngine();
  const originals = gradients.map(({ kernelName }) => tf.getGradient(kernelName));
  for (const config of gradients) register(config.kernelName, config);
  restore = () => {
    unhook();
    gradients.forEach((config, i) => {
      // What somebody else has registered meanwhile stays.
      if (tf.getGradient(config.kernelName) === config) register(config.kernelName, originals[i]);
    });
  };
}

/** Puts back what {@linkcode enableGradients} found. */
export function disableGradients(): void {
  restore?.();
  restore = undefined;
}

function register(kernelName: string, config: tf.GradConfig | undefined): void {
  // Unregistered first, since tfjs warns in debug mode when one is replaced.
  if (tf.getGradient(kernelName)) tf.unregisterGradient(kernelName);
  if (config) tf.registerGradient(config);
}
