// The conformance suite through Trainer on WebGPU: kernels in WGSL between runs.
import { basisCases, checkConformance, conformanceCases } from "@precond/testing";
import { gpuOrt } from "./builds.ts";
import { routesOf, trainerSubject } from "./conformance.ts";

const adapter = await navigator.gpu?.requestAdapter();

Deno.test({
  name: "A trainer on WebGPU follows the reference",
  ignore: !adapter,
  // ONNX Runtime keeps its device for the life of the process.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    const ort = await gpuOrt();
    const bases = basisCases({ reads: "async", outputAxis: "first" });
    for (const test of [...conformanceCases, ...bases]) {
      for (const route of routesOf(test)) {
        await t.step({
          name: `${test.name}, ${route}`,
          fn: () =>
            checkConformance(
              test,
              trainerSubject(ort, test, route, { executionProviders: ["webgpu"] }),
              { steps: 20 },
            ),
          sanitizeOps: false,
          sanitizeResources: false,
        });
      }
    }
  },
});
