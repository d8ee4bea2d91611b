/** @module */
import { hasWasmSimd, type Kernel, type Program, wasmKernel, weightsName } from "@precond/core";
import * as tf from "@tensorflow/tfjs-core";

/** What this file uses of tfjs-backend-wasm. */
interface WasmBackend {
  readonly wasm: {
    readonly asm?: { readonly memory?: WebAssembly.Memory };
    _malloc?(bytes: number): number;
    _free?(address: number): void;
  };
  readonly dataIdMap: { get(id: object): { memoryOffset: number } };
  makeOutput(shape: number[], dtype: "float32"): tf.TensorInfo;
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
  const scratch = { allocate: malloc, free };
  const run = wasmKernel(program, memory, scratch);
  const address = ({ dataId }: { dataId: object }) => backend.dataIdMap.get(dataId).memoryOffset;
  return {
    run(calls) {
      // XNNPACK caches packed weights per tensor id: an update in place would train nothing.
      const outputs = calls.map((call) =>
        program.outputs.map(({ name }, o) => {
          const old = call.outputs[o]!;
          return name === weightsName ? backend.makeOutput(old.shape, "float32") : old;
        })
      );
      const held = run(calls.map((call, i) => ({
        ...call,
        inputs: call.inputs.map(address),
        outputs: outputs[i]!.map(address),
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
