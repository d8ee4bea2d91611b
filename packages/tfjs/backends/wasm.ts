/** @module */
import {
  hasWasmSimd,
  type Kernel,
  type Program,
  wasmKernel,
  weightsName,
} from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";

/** What this file uses of tfjs-backend-wasm. */
interface WasmBackend {
  readonly wasm: {
    readonly asm?: { readonly memory?: WebAssembly.Memory };
    _malloc?(bytes: number): number;
    _free?(address: number): void;
  };
  readonly dataIdMap: { get(id: object): { memoryOffset: number } };
  refCount(id: object): number;
  makeOutput(shape: number[], dtype: "float32", memoryOffset?: number): tf.TensorInfo;
}

/**
 * Kernels on the wasm backend's own memory; undefined where its memory cannot be reached (the
 * threaded build hides it) or the engine has no SIMD.
 */
export function wasmKernelFor(program: Program): Kernel<tf.Tensor> | undefined {
  const backend = tf.backend() as unknown as WasmBackend;
  const { asm, _malloc: malloc, _free: free } = backend.wasm;
  const memory = asm?.memory;
  if (!(memory instanceof WebAssembly.Memory) || !malloc || !free || !hasWasmSimd()) {
    return undefined;
  }
  const run = wasmKernel(program, memory, { allocate: malloc, free });
  const data = ({ dataId }: { dataId: object }) => backend.dataIdMap.get(dataId);

  /**
   * Where new weights go. XNNPACK caches packed weights per tensor id, so that an update in place
   * would train nothing: the id must be new. The memory need not be, unless a clone shares it; the
   * old id gets a crumb of memory to free in its stead.
   */
  const renewed = (old: tf.Tensor): tf.TensorInfo => {
    if (backend.refCount(old.dataId) !== 1) return backend.makeOutput(old.shape, "float32");
    const record = data(old);
    const output = backend.makeOutput(old.shape, "float32", record.memoryOffset);
    record.memoryOffset = malloc(16);
    return output;
  };

  return {
    run(calls) {
      const inputs = calls.map((call) => call.inputs.map((t) => data(t).memoryOffset));
      const outputs = calls.map((call) =>
        program.outputs.map(({ name }, o) =>
          name === weightsName ? renewed(call.outputs[o]!) : call.outputs[o]!
        )
      );
      const held = run(calls.map((call, i) => ({
        ...call,
        inputs: inputs[i]!,
        outputs: outputs[i]!.map((t) => data(t).memoryOffset),
      })));
      return calls.map((call, i) => ({
        held: held[i]!,
        outputs: outputs[i]!.map((output, o) =>
          output === call.outputs[o]
            ? call.outputs[o]!
            : tf.keep(tf.engine().makeTensorFromTensorInfo(output))
        ),
      }));
    },
  };
}
