/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { comparisons } from "../second_order/gradients/comparisons.ts";
import { zerosFor } from "../second_order/gradients/_tensors.ts";

function constant(kernelName: string, inputs: string[]): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: inputs,
    gradFunc: (_, saved) =>
      Object.fromEntries(inputs.map((input, i) => [input, zerosFor(saved[i]!)])),
  };
}

/** tfjs passes gradients through a cast to whole numbers as if nothing were rounded. */
const cast: tf.GradConfig = {
  kernelName: tf.Cast,
  gradFunc: (d, _, { dtype }) => {
    const dy = d as tf.Tensor;
    return { x: dtype === "float32" ? () => tf.clone(dy) : zerosFor(dy) };
  },
};

/** What is constant between its jumps; tfjs has none for most, and that of a division for floorDiv. */
export const steps: readonly tf.GradConfig[] = [
  ...comparisons,
  ...["Any", "All"].map((name) => constant(name, ["x"])),
  constant(tf.FloorDiv, ["a", "b"]),
  cast,
];
