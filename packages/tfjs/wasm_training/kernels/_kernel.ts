/** @module */
import * as tf from "@tensorflow/tfjs-core";
import type { WasmBackend } from "../host.ts";

/** The arguments of a kernel. */
export interface Call {
  readonly inputs: tf.NamedTensorInfoMap;
  readonly attrs: tf.NamedAttrMap;
  readonly backend: WasmBackend;
}

/** A kernel with one output. */
export type Kernel = (call: Call) => tf.TensorInfo;

/** Runs another kernel of the backend. */
export function runKernel(
  backend: WasmBackend,
  name: string,
  inputs: tf.NamedTensorInfoMap,
  attrs: Record<string, unknown> = {},
): tf.TensorInfo {
  const kernel = tf.getKernel(name, "wasm");
  if (!kernel) throw new TypeError(`Kernel '${name}' not registered for backend 'wasm'`);
  return kernel.kernelFunc({
    inputs,
    backend,
    attrs: attrs as unknown as tf.NamedAttrMap,
  }) as tf.TensorInfo;
}

/**
 * The inputs of these names, in this order.
 *
 * @throws {TypeError} If one is not float32.
 */
export function floatInputs<N extends string>(
  kernel: string,
  { inputs }: Call,
  names: readonly N[],
): Record<N, tf.TensorInfo> {
  return Object.fromEntries(names.map((name) => {
    const input = inputs[name]!;
    if (input.dtype !== "float32") {
      throw new TypeError(
        `Cannot run ${kernel} on wasm: ${name} is expected to be float32, current dtype is ${input.dtype}`,
      );
    }
    return [name, input];
  })) as Record<N, tf.TensorInfo>;
}

/** How many elements a tensor has. */
export function sizeOf({ shape }: tf.TensorInfo): number {
  return tf.util.sizeFromShape(shape);
}
