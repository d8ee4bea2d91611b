/**
 * Whether the kernels that tfjs has are right, found out where they are to be replaced: a later
 * version that has mended one keeps it.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { Call, Kernel } from "./kernels/_kernel.ts";
import type { WasmBackend } from "./host.ts";

/** One call of a kernel with made-up numbers. */
export interface Probe {
  readonly inputs: Readonly<Record<string, { shape: number[]; values: ArrayLike<number> }>>;
  readonly attrs: Readonly<Record<string, unknown>>;
  /** How far the results of two right kernels can be apart. */
  readonly tolerance: number;
}

interface ReadableBackend extends WasmBackend {
  write(values: Float32Array, shape: number[], dtype: "float32"): object;
  readSync(id: object): Float32Array;
}

/** Whether two kernels agree on all probes. A kernel that throws does not. */
export function agree(one: Kernel, other: Kernel, probes: readonly Probe[], call: Call): boolean {
  const backend = call.backend as ReadableBackend;
  return probes.every((probe) => {
    const [a, b] = [one, other].map((kernel) => resultOf(kernel, probe, backend));
    return a !== undefined && b !== undefined && a.length === b.length &&
      a.every((x, i) => Math.abs(x - b[i]!) <= probe.tolerance);
  });
}

function resultOf(
  kernel: Kernel,
  { inputs, attrs }: Probe,
  backend: ReadableBackend,
): Float32Array | undefined {
  const made: object[] = [];
  try {
    const tensors = Object.entries(inputs).map(([name, { shape, values }]) => {
      const dataId = backend.write(Float32Array.from(values), shape, "float32");
      made.push(dataId);
      return [name, { dataId, shape, dtype: "float32" }];
    });
    const out = kernel({
      inputs: Object.fromEntries(tensors),
      attrs: attrs as unknown as tf.NamedAttrMap,
      backend,
    });
    made.push(out.dataId);
    return backend.readSync(out.dataId);
  } catch {
    return undefined;
  } finally {
    for (const id of made) backend.disposeData(id);
  }
}

/** Small whole numbers of both signs. */
function mixed(shape: number[]): { shape: number[]; values: number[] } {
  const n = shape.reduce((a, b) => a * b, 1);
  return { shape, values: Array.from({ length: n }, (_, i) => (7 * i + 3) % 11 - 5) };
}

/** Windows whose maxima are negative, one of them in the last place. */
function pooled(rank: number): Probe {
  const sides = new Array(rank).fill(2), n = 2 ** rank;
  const output = { shape: [1, ...sides.map(() => 1), 1], values: [-1] };
  return {
    inputs: {
      input: { shape: [1, ...sides, 1], values: Array.from({ length: n }, (_, i) => i - n) },
      output,
      dy: { ...output, values: [3] },
    },
    attrs: { filterSize: sides, strides: sides, pad: "valid" },
    tolerance: 0,
  };
}

/** The windows themselves. */
function windows(): Probe {
  const { inputs, ...rest } = pooled(3);
  return { ...rest, inputs: { x: inputs.input! } };
}

/** Both gradients of a convolution of 3³ places by 2³ taps, exact in whole numbers. */
function convolved(gradient: "input" | "filter"): Probe[] {
  return [1, 2].map((stride) => {
    const x = [1, 3, 3, 3, 2], w = [2, 2, 2, 2, 2], sides = stride === 1 ? 3 : 2;
    const dy = mixed([1, sides, sides, sides, 2]);
    const attrs = { strides: new Array(3).fill(stride), pad: "same" };
    return gradient === "input"
      ? { inputs: { dy, filter: mixed(w) }, attrs: { ...attrs, inputShape: x }, tolerance: 0 }
      : { inputs: { x: mixed(x), dy }, attrs: { ...attrs, filterShape: w }, tolerance: 0 };
  });
}

/** Of 2²⁴ + 4095 ones a sum in float32, one by one, loses all ones; a pairwise sum hardly any. */
const summed: Probe = {
  inputs: {
    x: { shape: [4096], values: Array.from({ length: 4096 }, (_, i) => i === 0 ? 2 ** 24 : 1) },
  },
  attrs: { axis: [0], keepDims: false },
  tolerance: 200,
};

/** What each kernel that is replaced for being wrong must get right to be kept. */
export const probes: Readonly<Record<string, readonly Probe[]>> = {
  MaxPoolGrad: [pooled(2)],
  MaxPool3D: [windows()],
  MaxPool3DGrad: [pooled(3)],
  Conv3DBackpropInputV2: convolved("input"),
  Conv3DBackpropFilterV2: convolved("filter"),
  Sum: [summed],
  Mean: [{ ...summed, tolerance: 200 / 4096 }],
};
