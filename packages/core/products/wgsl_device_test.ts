import {
  checkBackendProducts,
  checkProducts,
  checkReads,
  productCases,
  productOn,
  webgpuBackend,
} from "@precond/testing";
import assert from "node:assert/strict";

const adapter = await navigator.gpu?.requestAdapter();

Deno.test({
  name: "the WGSL product follows float64 on a WebGPU device, for all transposes and sizes",
  // Needs a Vulkan, Metal or Direct3D driver; CI installs a software one.
  ignore: !adapter,
  async fn() {
    const device = await adapter!.requestDevice();
    device.addEventListener("uncapturederror", (e) => {
      throw new Error((e as GPUUncapturedErrorEvent).error.message);
    });
    try {
      const backend = webgpuBackend(device);
      // WGSL lets an operation round to either neighbour.
      const tolerance = { unit: 2 ** -23 };
      await checkBackendProducts(backend, tolerance, productCases([1, 5, 17, 129]));
      await checkProducts(backend, tolerance, [
        { rows: 3, inner: 784, columns: 64, transposeA: false, transposeB: false },
      ]);
    } finally {
      device.destroy();
    }
  },
});

Deno.test({
  name: "a read on a WebGPU device gives the values at its call, whatever steps follow",
  ignore: !adapter,
  async fn() {
    const device = await adapter!.requestDevice();
    try {
      await checkReads(webgpuBackend(device));
    } finally {
      device.destroy();
    }
  },
});

Deno.test({
  name: "webgpuProducts() keeps a bounded number of buffers over ever other shapes",
  ignore: !adapter,
  async fn() {
    const device = await adapter!.requestDevice();
    try {
      const made = new Set<GPUBuffer>();
      const { createBuffer } = device;
      device.createBuffer = function (options) {
        const buffer = createBuffer.call(device, options);
        if (options.usage & 0x40) {
          made.add(buffer);
          const { destroy } = buffer;
          buffer.destroy = () => {
            made.delete(buffer);
            return destroy.call(buffer);
          };
        }
        return buffer;
      };
      const backend = webgpuBackend(device);
      const [a, b, out] = [1, 600, 600].map((n) => backend.allocate([n], 2));
      for (let columns = 1; columns <= 600; columns++) {
        // The backend checks sizes; buffers may be longer than what is used of them.
        const call = { rows: 1, inner: 1, columns, a: a! };
        backend.multiply!([{
          ...call,
          b: { ...b!, length: columns },
          out: { ...out!, length: columns },
        }]);
      }
      assert.equal(made.size, 512);
      const test = { rows: 1, inner: 1, columns: 2, transposeA: false, transposeB: false };
      const values = await productOn(backend, test, Float32Array.of(2), Float32Array.of(3, 4));
      assert.deepEqual([...values], [6, 8]);
    } finally {
      device.destroy();
    }
  },
});
