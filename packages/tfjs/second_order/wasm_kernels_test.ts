// Second derivatives on wasm through kernels that its backend has wrong, and that may be replaced.
import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { disableWasmTraining, enableWasmTraining } from "../wasm_training/mod.ts";
import { normalTensor } from "./_testing.ts";
import { hessianVectorProduct } from "./hessian_vector_product.ts";

const losses: Readonly<Record<string, (w: tf.Tensor) => tf.Tensor>> = {
  "max-pooling": (w) => tf.maxPool(tf.reshape(w, [1, 6, 6, 1]) as tf.Tensor4D, 2, 2, "valid"),
  "conv3d": (w) =>
    tf.conv3d(
      tf.reshape(tf.slice(w, [0], [27]), [1, 3, 3, 3, 1]) as tf.Tensor5D,
      tf.reshape(tf.slice(w, [27], [8]), [2, 2, 2, 1, 1]) as tf.Tensor5D,
      1,
      "same",
    ),
};

/** The Hessian of `Σ sin f(w)` times a vector. */
async function product(backend: string, f: (w: tf.Tensor) => tf.Tensor): Promise<number[]> {
  await tf.setBackend(backend);
  const w = tf.tidy(() => tf.variable(normalTensor([36], 3)));
  const vector = normalTensor([36], 4);
  const loss = () => tf.tidy(() => tf.sum(tf.sin(f(w))) as tf.Scalar);
  try {
    const { value, gradients, products } = hessianVectorProduct(loss, [w], { [w.name]: vector });
    const numbers = [...products[w.name]!.dataSync()];
    tf.dispose([value, gradients, products]);
    return numbers;
  } finally {
    tf.dispose([w, vector]);
  }
}

Deno.test("Hv through conv3d on wasm is refused, and right where wasm_training replaces kernels", async () => {
  disableWasmTraining();
  const { conv3d } = losses;
  await assert.rejects(product("wasm", conv3d!), {
    name: "TypeError",
    message: /has Conv3DBackprop\w+ wrong; import @precond\/tfjs\/wasm_training, or use another/,
  });
  enableWasmTraining();
  try {
    const expected = await product("cpu", conv3d!);
    await tf.setBackend("wasm");
    const before = tf.memory().numTensors;
    // Both are float32.
    assertAllClose(await product("wasm", conv3d!), expected, { relative: 1e-4, absolute: 1e-6 });
    assert.equal(tf.memory().numTensors, before);
  } finally {
    disableWasmTraining();
  }
});

Deno.test("Hv through max-pooling on wasm is refused: where maxima are negative, the backend finds none", async () => {
  enableWasmTraining();
  try {
    await assert.rejects(product("wasm", losses["max-pooling"]!), {
      name: "TypeError",
      message: /the wasm backend has MaxPoolWithArgmax wrong; use another backend$/,
    });
  } finally {
    disableWasmTraining();
  }
});
