/** @module */
import type * as tf from "@tensorflow/tfjs-core";
import { zerosFor } from "./_tensors.ts";

function constant(kernelName: string, inputs: string[]): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: inputs,
    gradFunc: (_, saved) =>
      Object.fromEntries(inputs.map((input, i) => [input, zerosFor(saved[i]!)])),
  };
}

/**
 * Zero gradients for what is constant between its jumps. tfjs has them for `GreaterEqual` only,
 * and the masks in the gradients of leakyRelu, max, clipByValue, … are made of the others.
 */
export const comparisons: readonly tf.GradConfig[] = [
  ...["Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual"].map((name) =>
    constant(name, ["a", "b"])
  ),
  constant("LogicalAnd", ["a", "b"]),
  constant("LogicalOr", ["a", "b"]),
  constant("LogicalNot", ["x"]),
];
