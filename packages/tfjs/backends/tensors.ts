/** @module */
import type { Backend, Kernel, Program } from "@precond/core";
import * as tf from "@tensorflow/tfjs-core";
import { cpuKernel } from "./cpu.ts";
import { opsKernel } from "./ops.ts";
import { wasmKernelFor } from "./wasm.ts";

const warned = new Set<string>();

function compileFor(backend: string, program: Program): Kernel<tf.Tensor> {
  if (backend === "cpu") return cpuKernel(program);
  if (backend === "wasm") {
    const kernel = wasmKernelFor(program);
    if (kernel) return kernel;
    if (!warned.has(backend)) {
      warned.add(backend);
      console.warn(
        "precond: this build of the wasm backend hides its memory or has no SIMD; the update runs as plain tf ops",
      );
    }
  }
  return opsKernel(program);
}

/**
 * Kernels on tf tensors: fused on cpu and wasm, plain tf ops on every other backend. The backend
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
          if (!kernel) kernels.set(name, kernel = compileFor(name, program));
          return kernel.run(calls);
        },
      };
    },
    // Kept, so that neither tf.tidy nor model.fit's scopes dispose what outlives the step.
    allocate: (shape, fill) => tf.keep(tf.fill([...shape], fill)),
    write: (values, shape) => tf.keep(tf.tensor(values.slice(), [...shape], "float32")),
    read(tensor) {
      const name = tf.getBackend();
      // Fused kernels write slots in place, so that a later read could see a later step.
      if (name === "cpu" || name === "wasm") return (tensor.dataSync() as Float32Array).slice();
      return tensor.data() as Promise<Float32Array>;
    },
    dispose: (tensor) => tensor.dispose(),
  };
}
