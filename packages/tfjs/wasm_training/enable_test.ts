import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { assertClose, plain, runOnWasm, tensorMemory } from "./_testing.ts";
import { disableWasmTraining, enableWasmTraining, wasmTrainingKernels } from "./mod.ts";

const added = [
  "Conv2DBackpropFilter",
  "DepthwiseConv2dNativeBackpropFilter",
  "DepthwiseConv2dNativeBackpropInput",
  "Einsum",
  "UnsortedSegmentSum",
];
const replaced = [
  "Conv2DBackpropInput",
  "Conv3DBackpropFilterV2",
  "Conv3DBackpropInputV2",
  "MaxPool3D",
  "MaxPool3DGrad",
  "MaxPoolGrad",
  "Mean",
  "Sum",
];

/** Calls every kernel that may be replaced once, through what tfjs makes of gradients. */
function callAll(): void {
  tf.tidy(() => {
    const volume = tf.ones([1, 2, 2, 2, 1]) as tf.Tensor5D, image = tf.ones([1, 2, 2, 1]);
    const cube = tf.ones([2, 2, 2, 1, 1]) as tf.Tensor5D;
    tf.grads((x, w) => tf.sum(tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 1, "same")))(
      [volume, cube],
    );
    tf.grad((x) => tf.mean(tf.maxPool3d(x as tf.Tensor5D, 2, 1, "same")))(volume);
    tf.grad((x) => tf.sum(tf.maxPool(x as tf.Tensor4D, 2, 1, "same")))(image);
    tf.grad((x) => tf.sum(tf.conv2d(x as tf.Tensor4D, tf.ones([2, 2, 1, 1]), 1, "same")))(image);
  });
}

Deno.test("what tfjs 4.22 lacks is added, what it has wrong is found out and replaced", async () => {
  await tf.setBackend("wasm");
  const before = tensorMemory();
  callAll();
  assert.deepEqual(tensorMemory(), before, "nothing is left, of probes neither");
  const states = wasmTrainingKernels();
  for (const name of added) assert.equal(states[name], "added", name);
  for (const name of replaced) assert.equal(states[name], "replaced", name);
  assert.equal(Object.keys(states).length, added.length + replaced.length);
});

Deno.test("disabling puts back what was there, and enabling twice is enabling once", async () => {
  await tf.setBackend("wasm");
  const ours = [...added, ...replaced].map((name) => tf.getKernel(name, "wasm"));
  enableWasmTraining();
  assert.deepEqual([...added, ...replaced].map((name) => tf.getKernel(name, "wasm")), ours);
  disableWasmTraining();
  try {
    assert.deepEqual(wasmTrainingKernels(), {});
    for (const name of added) assert.equal(tf.getKernel(name, "wasm"), undefined, name);
    const x = tf.tensor4d([-4, -3, -2, -1], [1, 2, 2, 1]);
    const gradient = tf.grad((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, "valid"))(x);
    // What this pack exists for: when tfjs has mended it, the tests are to say so.
    assert.deepEqual([...gradient.dataSync()], [1, 0, 0, 0]);
    tf.dispose([x, gradient]);
  } finally {
    enableWasmTraining();
  }
});

Deno.test("kernels that tfjs brings or has mended stay, for good", async () => {
  await tf.setBackend("wasm");
  // A later tfjs: a filter's gradient, and max-pooling as it should be.
  const brought: tf.KernelConfig = {
    kernelName: "Conv2DBackpropFilter",
    backendName: "wasm",
    kernelFunc: () => {
      throw new Error("called");
    },
  };
  const right = tf.getKernel("MaxPoolGrad", "wasm").kernelFunc;
  let calls = 0;
  disableWasmTraining();
  const original = tf.getKernel("MaxPoolGrad", "wasm");
  const mended: tf.KernelConfig = {
    ...original,
    kernelFunc: (args) => {
      calls++;
      return right(args);
    },
  };
  tf.unregisterKernel("MaxPoolGrad", "wasm");
  tf.registerKernel(mended);
  tf.registerKernel(brought);
  enableWasmTraining();
  try {
    assert.equal(wasmTrainingKernels().Conv2DBackpropFilter, "kept");
    assert.equal(tf.getKernel("Conv2DBackpropFilter", "wasm"), brought);
    assert.equal(wasmTrainingKernels().MaxPoolGrad, "not yet called");
    callAll();
    assert.equal(wasmTrainingKernels().MaxPoolGrad, "kept");
    assert.equal(calls, 2, "the probe and the call itself");
    callAll();
    assert.equal(calls, 3, "probed once");
  } finally {
    disableWasmTraining();
    tf.unregisterKernel("Conv2DBackpropFilter", "wasm");
    tf.unregisterKernel("MaxPoolGrad", "wasm");
    tf.registerKernel(original);
    enableWasmTraining();
  }
});

interface Module {
  readonly HEAPU8: Uint8Array;
}

const backend = () => tf.backend() as unknown as { wasm: Module };

/** Both gradients of a convolution, a sum of segments and one of a million, against known results. */
async function checkSome(): Promise<void> {
  const x = plain([2, 6, 6, 3], 1), filter = plain([3, 3, 3, 4], 2), dy = plain([2, 3, 3, 4], 3);
  const attrs = { strides: [2, 2], pad: "same", dataFormat: "NHWC", dimRoundingMode: undefined };
  const names = ["Conv2DBackpropInput", "Conv2DBackpropFilter"] as const;
  const own = [
    await runOnWasm(names[0], { dy, filter }, { ...attrs, inputShape: x.shape }),
    await runOnWasm(names[1], { x, dy }, { ...attrs, filterShape: filter.shape }),
  ];
  await tf.setBackend("cpu");
  const expected = tf.tidy(() => {
    const [a, w, d] = [x, filter, dy].map(({ values, shape }) => tf.tensor(values, shape));
    const grads = tf.grads((a, w) => tf.conv2d(a as tf.Tensor4D, w as tf.Tensor4D, 2, "same"));
    return grads([a!, w!], d!).map((g) => g.dataSync());
  });
  own.forEach((array, i) => assertClose(array, array.shape, expected[i]!, 1e-5));
  const segments = await runOnWasm("UnsortedSegmentSum", {
    x: { shape: [3, 2], values: Float32Array.of(1, 2, 3, 4, 5, 6) },
    segmentIds: { shape: [3], values: Float32Array.of(1, 0, 1), dtype: "int32" },
  }, { numSegments: 2 });
  assertClose(segments, [2, 2], [3, 4, 6, 8], 0);
  const tenths = { shape: [1e6], values: new Float32Array(1e6).fill(0.1) };
  const sum = await runOnWasm("Sum", { x: tenths }, { axis: [0], keepDims: false });
  assertClose(sum, [], [1e5], 0);
}

Deno.test("where the memory is hidden, as in the threaded build, functions run on copies", async () => {
  await tf.setBackend("wasm");
  const { wasm } = backend();
  // The bytes stay reachable in that build; only the memory object is not.
  const hidden: Module = Object.create(wasm, { asm: { value: {} } });
  backend().wasm = hidden;
  try {
    await checkSome();
  } finally {
    await tf.setBackend("wasm");
    backend().wasm = wasm;
  }
});

Deno.test("functions go on after the memory has grown", async () => {
  await tf.setBackend("wasm");
  await checkSome();
  await tf.setBackend("wasm");
  const { wasm } = backend(), size = wasm.HEAPU8.length, old = wasm.HEAPU8;
  const large = tf.zeros([Math.ceil(size / 4)]);
  assert.ok(wasm.HEAPU8.length > size && old.length === 0, "the memory has grown");
  await checkSome();
  await tf.setBackend("wasm");
  // While a kernel runs, too: its output does not fit, but for growing.
  const grown = wasm.HEAPU8.length;
  const x = tf.ones([Math.ceil((grown - size) / 16)]);
  const ids = tf.zeros([x.size], "int32") as tf.Tensor1D;
  const sums = tf.unsortedSegmentSum(x, ids, Math.ceil(grown / 4));
  assert.ok(wasm.HEAPU8.length > grown, "the memory has grown again");
  assert.deepEqual([...tf.slice(sums, 0, 2).dataSync()], [x.size, 0]);
  tf.dispose([large, x, ids, sums]);
});
