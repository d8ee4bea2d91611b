/** @module */
import {
  hasWasmSimd,
  type Kernel,
  type ProductCall,
  type Program,
  wasmKernel,
  wasmProducts,
  type WasmScratch,
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
 * The active backend's memory; undefined where it cannot be reached (the threaded build hides it) or
 * the engine has no SIMD.
 */
function memoryOf(
  { wasm }: WasmBackend,
): { memory: WebAssembly.Memory; scratch: WasmScratch } | undefined {
  const { asm, _malloc: malloc, _free: free } = wasm;
  const memory = asm?.memory;
  if (!(memory instanceof WebAssembly.Memory) || !malloc || !free || !hasWasmSimd()) {
    return undefined;
  }
  return { memory, scratch: { allocate: malloc, free } };
}

const products = new WeakMap<WebAssembly.Memory, ReturnType<typeof wasmProducts>>();

/** Products on the wasm backend's own memory; false where it cannot be reached. */
export function multiplyOnWasm(calls: readonly ProductCall<tf.Tensor>[]): boolean {
  const backend = tf.backend() as unknown as WasmBackend;
  const found = memoryOf(backend);
  if (!found) return false;
  let run = products.get(found.memory);
  if (!run) products.set(found.memory, run = wasmProducts(found.memory, found.scratch));
  const address = ({ dataId }: tf.Tensor) => backend.dataIdMap.get(dataId).memoryOffset;
  run(calls.map((call) => ({
    ...call,
    a: address(call.a),
    b: address(call.b),
    out: address(call.out),
  })));
  return true;
}

/**
 * Kernels on the wasm backend's own memory; undefined where it cannot be reached.
 */
export function wasmKernelFor(program: Program): Kernel<tf.Tensor> | undefined {
  const backend = tf.backend() as unknown as WasmBackend;
  const found = memoryOf(backend);
  if (!found) return undefined;
  const { memory, scratch } = found;
  const run = wasmKernel(program, memory, scratch);
  const data = ({ dataId }: { dataId: object }) => backend.dataIdMap.get(dataId);

  /** New memory; TensorFlow.js itself writes to address 0 where there is none left. */
  const claimed = (address: number, bytes: number): number => {
    if (address !== 0 || bytes === 0) return address;
    throw new RangeError(
      `Cannot update on wasm: its memory has no ${bytes} bytes left; dispose tensors`,
    );
  };

  /**
   * Where new weights go. XNNPACK caches packed weights per tensor id, so that an update in place
   * would train nothing: the id must be new. The memory need not be, unless a clone shares it or the
   * old weights stay; the old id gets a crumb of memory to free in its stead.
   */
  const renewal = (old: tf.Tensor, stays: boolean) => {
    if (!stays && backend.refCount(old.dataId) === 1) {
      const crumb = claimed(scratch.allocate(16), 16);
      return {
        address: data(old).memoryOffset,
        finish() {
          const record = data(old);
          const output = backend.makeOutput(old.shape, "float32", record.memoryOffset);
          record.memoryOffset = crumb;
          return output;
        },
        abandon: () => scratch.free(crumb),
      };
    }
    const output = backend.makeOutput(old.shape, "float32");
    const { memoryOffset } = data(output);
    const tensor = tf.engine().makeTensorFromTensorInfo(output);
    const abandon = () => tensor.dispose();
    try {
      claimed(memoryOffset, old.size * 4);
    } catch (error) {
      abandon();
      throw error;
    }
    return { address: memoryOffset, finish: () => tensor, abandon };
  };

  const weights = program.inputs.findIndex(({ name }) => name === weightsName);
  return {
    run(calls) {
      const renewals: (ReturnType<typeof renewal> | undefined)[][] = [];
      try {
        // All memory before any change.
        for (const { inputs, outputs } of calls) {
          const list: typeof renewals[number] = [];
          renewals.push(list);
          program.outputs.forEach(({ name }, o) => {
            const stays = outputs[o] !== inputs[weights];
            list.push(name === weightsName ? renewal(outputs[o]!, stays) : undefined);
          });
        }
        const held = run(calls.map((call, i) => ({
          ...call,
          inputs: call.inputs.map((t) => data(t).memoryOffset),
          outputs: call.outputs.map((t, o) => renewals[i]![o]?.address ?? data(t).memoryOffset),
        })));
        return calls.map(({ outputs }, i) => ({
          held: held[i]!,
          outputs: outputs.map((old, o) => {
            const output = renewals[i]![o]?.finish();
            if (output === undefined) return old;
            return tf.keep(
              output instanceof tf.Tensor ? output : tf.engine().makeTensorFromTensorInfo(output),
            );
          }),
        }));
      } catch (error) {
        for (const renewal of renewals.flat()) renewal?.abandon();
        throw error;
      }
    },
  };
}
