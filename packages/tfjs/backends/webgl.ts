/** @module */
import type { Kernel, Program } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import { drawnKernel } from "./webgl/drawn.ts";
import { fetchedKernel } from "./webgl/fetched.ts";

/**
 * Kernels as fragment shaders; nothing is read back. Drawn on tfjs's textures directly where its backend
 * and the device allow that, otherwise as programs that tfjs runs. Undefined where textures hold half
 * floats only, or the program reads too many of them.
 */
export function webglKernelFor(program: Program): Kernel<tf.Tensor> | undefined {
  // floatPrecision() says 16 exactly where float32 can be rendered: the flag is right.
  if (!tf.env().getBool("WEBGL_RENDER_FLOAT32_ENABLED")) return undefined;
  const fetched = fetchedKernel(program);
  if (!fetched) return undefined;
  const drawn = drawnKernel(program);
  return {
    run: (calls) => drawn?.run(calls) ?? fetched.run(calls),
    dispose: () => drawn?.dispose(),
  };
}
