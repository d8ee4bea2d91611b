/**
 * What core needs of jax-js's arrays, on whatever device they are.
 *
 * @module
 */
import { type Array, defaultDevice, type Device, numpy as np } from "@jax-js/jax";
import {
  type Backend,
  checkProduct,
  type Kernel,
  type ProductCall,
  type Program,
} from "@precond/core/backend";
import { locate } from "./addresses.ts";
import { multiplyWithOps, opsKernel } from "./ops.ts";
import { blankOnWasm, copyOnWasm, hasWasmMemory, multiplyOnWasm, wasmKernelFor } from "./wasm.ts";
import {
  blankOnWebgpu,
  copyOnWebgpu,
  multiplyOnWebgpu,
  readOnWebgpu,
  webgpuKernelFor,
} from "./webgpu.ts";

/** A backend of arrays on one device. */
export interface DeviceBackend extends Backend<Array> {
  readonly device: Device;
  /** Whether kernels are fused and write in place. */
  readonly fused: boolean;
  /** An array for a kernel's output, not yet of any particular values. */
  blank(shape: readonly number[]): Array;
  /**
   * Computes what is pending of arrays, so that later kernels find them: what can fail, fails here.
   */
  prepare(arrays: readonly Array[]): void;
}

const warned = new Set<Device>();
function warnPlain(device: Device): void {
  if (warned.has(device)) return;
  warned.add(device);
  console.warn(
    `precond: fused kernels are not possible on ${device} here; the update runs as operations of jax-js`,
  );
}

/** Options that put a new array on the device, as uncommitted as the user's own. */
const placed = (device: Device): { device?: Device } =>
  device === defaultDevice() ? {} : { device };

function opsBackend(device: Device): DeviceBackend {
  const on = (shape: readonly number[], fill: number) =>
    np.full([...shape], fill, { dtype: np.float32, ...placed(device) });
  return {
    name: `jax-js on ${device}`,
    device,
    fused: false,
    outputAxis: "first",
    compile: opsKernel,
    multiply(calls) {
      checkProducts(calls);
      return multiplyWithOps(calls);
    },
    allocate: on,
    blank: (shape) => on(shape, 0),
    prepare() {},
    write: (values, shape) => np.array(values.slice(), { shape: [...shape], ...placed(device) }),
    // Nothing writes in place here: another reference is as good as a copy.
    copy: (calls) => calls.map(({ from }) => from.ref),
    read: (array) =>
      device === "cpu" || device === "wasm"
        ? Float32Array.from(array.ref.dataSync() as Float32Array)
        : array.ref.data().then((values) => Float32Array.from(values as Float32Array)),
    dispose: (array) => array.dispose(),
  };
}

function checkProducts(calls: readonly ProductCall<Array>[]): void {
  for (const call of calls) checkProduct(call, ({ size }) => size);
}

/** Kernels in place where the memory can be reached, else operations under `jit`. */
function fusedBackend(device: "wasm" | "webgpu"): DeviceBackend {
  const plain = opsBackend(device);
  const onWasm = device === "wasm";
  const compile = (program: Program): Kernel<Array> => {
    const kernel = onWasm ? wasmKernelFor(program) : webgpuKernelFor(program);
    if (kernel) return kernel;
    warnPlain(device);
    return opsKernel(program);
  };
  const blank = onWasm ? blankOnWasm : blankOnWebgpu;
  return {
    ...plain,
    fused: true,
    compile,
    multiply(calls) {
      checkProducts(calls);
      const empty = calls.some(({ rows, inner, columns }) => rows * inner * columns === 0);
      if (empty) return multiplyWithOps(calls);
      (onWasm ? multiplyOnWasm : multiplyOnWebgpu)(calls);
      return calls.map(({ out }) => out);
    },
    allocate(shape, fill) {
      const array = plain.allocate(shape, fill);
      // Now, so that a lack of memory shows before anything has changed.
      array._realizeSource();
      return array;
    },
    blank,
    prepare: onWasm ? locate : (arrays) => {
      for (const array of arrays) array.ref.gpuBufferSync();
    },
    copy: onWasm ? copyOnWasm : copyOnWebgpu,
    read: onWasm ? plain.read : readOnWebgpu,
  };
}

const backends = new Map<Device, DeviceBackend>();

/** The backend of a device, the same one each time. */
export function backendOf(device: Device): DeviceBackend {
  let found = backends.get(device);
  if (!found) {
    const fused = device === "webgpu" || (device === "wasm" && hasWasmMemory());
    if (device === "wasm" && !fused) warnPlain(device);
    found = fused ? fusedBackend(device) : opsBackend(device);
    backends.set(device, found);
  }
  return found;
}
