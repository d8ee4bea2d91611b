/** @module */
import { version_wasm } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import type { Call, Kernel } from "./kernels/_kernel.ts";
import { conv2DBackpropFilter, conv2DBackpropInput } from "./kernels/conv2d.ts";
import { conv3DBackpropFilter, conv3DBackpropInput } from "./kernels/conv3d.ts";
import { depthwiseBackpropFilter, depthwiseBackpropInput } from "./kernels/depthwise.ts";
import { einsum } from "./kernels/einsum.ts";
import { maxPool3D, maxPool3DGrad, maxPoolGrad } from "./kernels/pooling.ts";
import { mean, sum, unsortedSegmentSum } from "./kernels/sums.ts";
import { agree, probes } from "./probes.ts";

/**
 * What the pack does about a kernel: `added` where the backend had none, `replaced` or `kept` where it
 * had one, which is known from the kernel's first call on.
 */
export type WasmKernelState = "added" | "replaced" | "kept" | "not yet called";

/** Kernels that the backend lacks. */
const lacking: Readonly<Record<string, Kernel>> = {
  Conv2DBackpropFilter: conv2DBackpropFilter,
  DepthwiseConv2dNativeBackpropFilter: depthwiseBackpropFilter,
  DepthwiseConv2dNativeBackpropInput: depthwiseBackpropInput,
  Einsum: einsum,
  UnsortedSegmentSum: unsortedSegmentSum,
};

interface Replacement {
  readonly kernel: Kernel;
  /** Calls that stay with the backend's own; left out: none. */
  readonly leaves?: (call: Call) => boolean;
  /** Whether the backend's own kernel is to stay for all calls. */
  readonly keeps: (own: Kernel, call: Call) => boolean;
}

function wrong(name: string, kernel: Kernel, leaves?: Replacement["leaves"]): Replacement {
  return {
    kernel,
    ...(leaves ? { leaves } : {}),
    keeps: (own, call) => agree(own, kernel, probes[name]!, call),
  };
}

const notFloats = ({ inputs }: Call): boolean => inputs.x!.dtype !== "float32";

/** Kernels that the backend has wrong, or slow. */
const replacements: Readonly<Record<string, Replacement>> = {
  Conv2DBackpropInput: {
    kernel: conv2DBackpropInput,
    leaves: ({ attrs }) => (attrs.dataFormat ?? "NHWC") !== "NHWC",
    // It is right, but 9 to 12 times slower than a convolution, up to the newest known version.
    keeps: () => laterThan(version_wasm, [4, 22]),
  },
  Conv3DBackpropFilterV2: wrong("Conv3DBackpropFilterV2", conv3DBackpropFilter),
  Conv3DBackpropInputV2: wrong("Conv3DBackpropInputV2", conv3DBackpropInput),
  MaxPool3D: wrong("MaxPool3D", maxPool3D, notFloats),
  MaxPool3DGrad: wrong("MaxPool3DGrad", maxPool3DGrad),
  MaxPoolGrad: wrong("MaxPoolGrad", maxPoolGrad),
  Mean: wrong("Mean", mean, notFloats),
  Sum: wrong("Sum", sum, notFloats),
};

function laterThan(version: string, [major, minor]: readonly [number, number]): boolean {
  const [a, b] = version.split(".").map(Number) as [number, number];
  return a > major || (a === major && b > minor);
}

/** What was registered, and what by. */
interface Installed {
  readonly ours: tf.KernelConfig;
  readonly theirs: tf.KernelConfig | undefined;
}

let installed: readonly Installed[] | undefined;
const states = new Map<string, WasmKernelState>();

/**
 * Registers what TensorFlow.js's wasm backend lacks for training, and puts right what it has wrong.
 * Importing `@precond/tfjs/wasm_training` does it; a second call does nothing.
 *
 * Added where the backend has no such kernel: the gradients by the filter of conv2d, both of
 * depthwiseConv2d, unsortedSegmentSum (the gradient of embeddings and gather) and einsum. Replaced
 * where a small probe at the kernel's first call finds the backend's own wrong: the gradients of
 * max-pooling (negative maxima) and conv3d, max-pooling of volumes itself, and sums and means of float32, which lose a percent of a
 * million elements; and conv2d's gradient by the input, which is 9 to 12 times slower than a
 * convolution. Kernels that a later version brings or mends stay.
 *
 * The functions run on the backend's own memory. In its threaded build, which hides it, they run
 * in one thread on copies.
 */
export function enableWasmTraining(): void {
  if (installed) return;
  states.clear();
  installed = [
    ...Object.entries(lacking).flatMap(([name, kernel]) => {
      if (tf.getKernel(name, "wasm")) {
        states.set(name, "kept");
        return [];
      }
      states.set(name, "added");
      return [{ ours: configOf(name, kernel), theirs: undefined }];
    }),
    ...Object.entries(replacements).flatMap(([name, replacement]) => {
      const theirs = tf.getKernel(name, "wasm");
      if (!theirs) {
        states.set(name, "added");
        return [{ ours: configOf(name, replacement.kernel), theirs }];
      }
      states.set(name, "not yet called");
      return [{
        ours: { ...theirs, ...configOf(name, chosen(name, theirs, replacement)) },
        theirs,
      }];
    }),
  ];
  for (const { ours, theirs } of installed) {
    // Unregistered first, since tfjs warns when a kernel is replaced.
    if (theirs) tf.unregisterKernel(theirs.kernelName, "wasm");
    tf.registerKernel(ours);
  }
}

/** Puts back what {@linkcode enableWasmTraining} found, where nobody has registered anything since. */
export function disableWasmTraining(): void {
  for (const { ours, theirs } of installed ?? []) {
    if (tf.getKernel(ours.kernelName, "wasm") !== ours) continue;
    tf.unregisterKernel(ours.kernelName, "wasm");
    if (theirs) tf.registerKernel(theirs);
  }
  installed = undefined;
  states.clear();
}

/** What has become of each kernel that the pack knows, by name; empty while it is disabled. */
export function wasmTrainingKernels(): Record<string, WasmKernelState> {
  return Object.fromEntries([...states].sort(([a], [b]) => a < b ? -1 : 1));
}

function configOf(kernelName: string, kernel: Kernel): tf.KernelConfig {
  return { kernelName, backendName: "wasm", kernelFunc: kernel as unknown as tf.KernelFunc };
}

function chosen(name: string, config: tf.KernelConfig, replacement: Replacement): Kernel {
  const own = config.kernelFunc as unknown as Kernel;
  let choice: Kernel | undefined;
  return (call) => {
    if (replacement.leaves?.(call)) return own(call);
    if (!choice) {
      const keeps = replacement.keeps(own, call);
      states.set(name, keeps ? "kept" : "replaced");
      choice = keeps ? own : replacement.kernel;
    }
    return choice(call);
  };
}
