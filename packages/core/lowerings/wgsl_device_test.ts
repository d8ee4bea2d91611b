import {
  backendSubject,
  basisCases,
  checkConformance,
  checkNonFinite,
  conformanceCases,
  nonFiniteCases,
  webgpuBackend,
} from "@precond/testing";

const adapter = await navigator.gpu?.requestAdapter();

Deno.test({
  name: "the WGSL lowering follows the reference on a WebGPU device",
  // Needs a Vulkan, Metal or Direct3D driver; CI installs a software one.
  ignore: !adapter,
  async fn(t) {
    const device = await adapter!.requestDevice();
    device.addEventListener("uncapturederror", (e) => {
      throw new Error((e as GPUUncapturedErrorEvent).error.message);
    });
    try {
      for (const test of [...conformanceCases, ...basisCases({ reads: "async" })]) {
        await t.step(
          test.name,
          () => checkConformance(test, backendSubject(webgpuBackend(device)), { steps: 20 }),
        );
      }
      for (const test of nonFiniteCases) {
        await t.step(
          `${test.name}, extreme gradients`,
          () => checkNonFinite(test, backendSubject(webgpuBackend(device))),
        );
      }
    } finally {
      device.destroy();
    }
  },
});
