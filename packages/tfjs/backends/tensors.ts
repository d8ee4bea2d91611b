/** @module */
import type { Backend, Kernel, KernelCall, KernelResult } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import { kernelFor } from "../parts/registry.ts";
import { multiplyTensors } from "./products.ts";

/** Whether tensors of the backend are arrays of the host. */
const onHost = (name: string) => name === "cpu" || name === "wasm";

/**
 * Runs a kernel on the calls that have elements: a GPU has no buffers and no textures for the others,
 * which stay as they are.
 */
function runFilled(
  kernel: Kernel<tf.Tensor>,
  name: string,
  calls: readonly KernelCall<tf.Tensor>[],
): readonly KernelResult<tf.Tensor>[] {
  const filled = calls.filter(({ rows, columns }) => rows * columns > 0);
  if (onHost(name) || filled.length === calls.length) return kernel.run(calls);
  const results = filled.length > 0 ? kernel.run(filled) : [];
  let next = 0;
  return calls.map(({ rows, columns, outputs }) =>
    rows * columns > 0 ? results[next++]! : {
      // The caller disposes new weights, and keeps slots.
      outputs: outputs.map((t) => t instanceof tf.Variable ? tf.keep(tf.clone(t)) : t),
      held: false,
    }
  );
}

/**
 * Kernels on tf tensors: fused on cpu, wasm, webgl and webgpu, plain tf ops on every other backend. The backend
 * that is active when a step runs decides.
 */
export function tensorBackend(): Backend<tf.Tensor> {
  return {
    name: "tfjs",
    compile(program) {
      const kernels = new Map<string, Kernel<tf.Tensor>>();
      return {
        run(calls) {
          const name = tf.getBackend();
          let kernel = kernels.get(name);
          if (!kernel) kernels.set(name, kernel = kernelFor(program));
          return runFilled(kernel, name, calls);
        },
        dispose() {
          for (const kernel of kernels.values()) kernel.dispose?.();
          kernels.clear();
        },
      };
    },
    multiply: multiplyTensors,
    // Kept, so that neither tf.tidy nor model.fit's scopes dispose what outlives the step.
    allocate: (shape, fill) => tf.keep(tf.fill([...shape], fill)),
    write: (values, shape) => tf.keep(tf.tensor(values.slice(), [...shape], "float32")),
    // Not a clone, whose data kernels that write slots in place would change.
    copy: (calls) =>
      calls.map(({ from, shape }) =>
        tf.keep(from.size === 0 ? tf.zeros([...shape]) : tf.tidy(() => tf.mul(from, 1)))
      ),
    read(tensor) {
      const name = tf.getBackend();
      // Fused kernels write slots in place, so that a later read could see a later step.
      if (onHost(name)) return (tensor.dataSync() as Float32Array).slice();
      // A copy: tfjs keeps what it has read with the tensor, and later steps write into that one.
      const copy = tf.tidy(() => tf.mul(tensor, 1));
      const values = copy.data().then((values) => (values as Float32Array).slice())
        .finally(() => copy.dispose());
      const now = () => {
        try {
          return (copy.dataSync() as Float32Array).slice();
        } catch {
          // webgpu reads synchronously only in browsers, through a canvas.
          return undefined;
        }
      };
      return Object.assign(values, { now });
    },
    dispose: (tensor) => tensor.dispose(),
  };
}
