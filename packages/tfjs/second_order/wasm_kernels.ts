/**
 * Whether kernels that the wasm backend has had wrong are right: a later version may have mended them, and
 * `@precond/tfjs/wasm_training` replaces them.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";

interface Numbers {
  readonly shape: number[];
  readonly values: readonly number[];
}

interface ReadableBackend {
  write(values: Float32Array, shape: number[], dtype: "float32"): object;
  readSync(id: object): Float32Array;
  disposeData(id: object): void;
}

type Kernel = (call: {
  inputs: Record<string, tf.TensorInfo>;
  attrs: tf.NamedAttrMap;
  backend: ReadableBackend;
}) => tf.TensorInfo | tf.TensorInfo[];

/** The numbers of a kernel's last result; past the tape, on which a gradient may be being recorded. */
function call(name: string, inputs: Readonly<Record<string, Numbers>>, attrs: object): number[] {
  const backend = tf.backend() as unknown as ReadableBackend;
  const made: object[] = [];
  try {
    const given = Object.entries(inputs).map(([key, { shape, values }]) => {
      const dataId = backend.write(Float32Array.from(values), shape, "float32");
      made.push(dataId);
      return [key, { dataId, shape, dtype: "float32" as const }];
    });
    const kernel = tf.getKernel(name, "wasm").kernelFunc as unknown as Kernel;
    const results = [kernel({
      inputs: Object.fromEntries(given),
      attrs: attrs as tf.NamedAttrMap,
      backend,
    })].flat();
    made.push(...results.map(({ dataId }) => dataId));
    return [...backend.readSync(results.at(-1)!.dataId)];
  } finally {
    for (const id of made) backend.disposeData(id);
  }
}

/** Small whole numbers of both signs: all sums of their products are exact. */
function mixed(...shape: number[]): Numbers {
  const n = shape.reduce((a, b) => a * b, 1);
  return { shape, values: Array.from({ length: n }, (_, i) => (7 * i + 3) % 11 - 5) };
}

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0);

/** ⟨x ∗ w, dy⟩ = ⟨x, gradient by x⟩ = ⟨w, gradient by w⟩. */
function isAdjoint(by: "x" | "w"): boolean {
  return [1, 2].every((stride) => {
    const sides = stride === 1 ? 3 : 2;
    const [x, w] = [mixed(1, 3, 3, 3, 2), mixed(2, 2, 2, 2, 2)];
    const dy = mixed(1, sides, sides, sides, 2);
    const attrs = { strides: new Array(3).fill(stride), pad: "same", dilations: [1, 1, 1] };
    const expected = dot(call("Conv3D", { x, filter: w }, attrs), dy.values);
    const found = by === "x"
      ? call("Conv3DBackpropInputV2", { dy, filter: w }, { ...attrs, inputShape: x.shape })
      : call("Conv3DBackpropFilterV2", { x, dy }, { ...attrs, filterShape: w.shape });
    return dot(found, (by === "x" ? x : w).values) === expected;
  });
}

// A window whose maximum is negative, and in the last place.
const image = { shape: [1, 2, 2, 1], values: [-4, -3, -2, -1] };
const maximum = { shape: [1, 1, 1, 1], values: [-1] };
const pool = { filterSize: [2, 2], strides: [2, 2], pad: "valid" };

function pullsBack(): boolean {
  const dy = { ...maximum, values: [3] };
  return call("MaxPoolGrad", { input: image, output: maximum, dy }, pool).join() === "0,0,0,3";
}

function findsMaximum(): boolean {
  return call("MaxPoolWithArgmax", { x: image }, { ...pool, includeBatchInIndex: true })[0] === 3;
}

/** Kernels that are not taken to be right because of their name. */
export type DoubtfulKernel =
  | "MaxPoolGrad"
  | "MaxPoolWithArgmax"
  | "Conv3DBackpropInputV2"
  | "Conv3DBackpropFilterV2";

const probes: Readonly<Record<DoubtfulKernel, () => boolean>> = {
  MaxPoolGrad: pullsBack,
  MaxPoolWithArgmax: findsMaximum,
  Conv3DBackpropInputV2: () => isAdjoint("x"),
  Conv3DBackpropFilterV2: () => isAdjoint("w"),
};

/** What has been found out, by the function that is registered. */
const known = new WeakMap<object, boolean>();

/** Whether the active wasm backend has that kernel right; found out once. */
export function isRightOnWasm(name: DoubtfulKernel): boolean {
  const kernel = tf.getKernel(name, "wasm")?.kernelFunc;
  if (!kernel) return true; // Its call says that it is missing.
  let right = known.get(kernel);
  if (right === undefined) known.set(kernel, right = probes[name]());
  return right;
}
