/** @module */
import type * as tf from "@tensorflow/tfjs-core";

/**
 * Refuses the gradient of a windowed operation whose output size is not rounded down.
 *
 * @throws {TypeError} If dimRoundingMode is not "floor".
 */
export function refuseRounding(kernel: string, { dimRoundingMode }: tf.NamedAttrMap): void {
  if (dimRoundingMode == null || dimRoundingMode === "floor") return;
  throw new TypeError(
    `Cannot take the gradient of ${kernel}: TensorFlow.js has it wrong with dimRoundingMode "${dimRoundingMode}"; ` +
      'pad the input, and use "floor"',
  );
}
