/** @module */

/** Domain of ONNX Runtime's own operators. */
export const MICROSOFT = "com.microsoft";
/** Adds a gradient to its buffer, or overwrites it: inputs buffer, gradient, reset; output done. */
export const ACCUMULATOR = "InPlaceAccumulatorV2";
/** Input that tells all accumulators to start anew. */
export const RESET = "lazy_reset_grad";
/** The order in which ONNX Runtime feeds an optimizer, by position. */
export const OPTIMIZER_INPUTS: Readonly<Record<"adamw" | "sgd", readonly string[]>> = {
  adamw: [
    "learning_rate",
    "step",
    "params",
    "gradients",
    "first_order_moments",
    "second_order_moments",
  ],
  sgd: ["learning_rate", "params", "gradients"],
};

/** Names that belong to a parameter. */
export const gradientOf = (parameter: string): string => `${parameter}_grad`;
export const bufferOf = (parameter: string): string =>
  `${gradientOf(parameter)}.accumulation.buffer`;
export const doneOf = (parameter: string): string => `${gradientOf(parameter)}.accumulation.out`;

/** The parameter that a buffer belongs to. */
export function parameterOf(buffer: string): string | undefined {
  const suffix = bufferOf("");
  return buffer.endsWith(suffix) ? buffer.slice(0, -suffix.length) : undefined;
}
