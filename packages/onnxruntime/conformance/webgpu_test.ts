// The conformance suite through Trainer on WebGPU: kernels in WGSL between runs.
import { checkConformance, conformanceCases } from "@precond/testing";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Ort } from "../ort.ts";
import { routesOf, trainerSubject } from "./_testing.ts";

// The package's export map gives Deno the build without WebGPU: by file path.
const home = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
const adapter = await navigator.gpu?.requestAdapter();

Deno.test({
  name: "A trainer on WebGPU follows the reference",
  ignore: !adapter,
  // ONNX Runtime keeps its device for the life of the process.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    const file = join(home, "ort.webgpu.bundle.min.mjs");
    const ort = await import(pathToFileURL(file).href);
    ort.env.logLevel = "error";
    for (const test of conformanceCases) {
      for (const route of routesOf(test)) {
        await t.step({
          name: `${test.name}, ${route}`,
          fn: () =>
            checkConformance(
              test,
              trainerSubject(ort as Ort, test, route, { executionProviders: ["webgpu"] }),
              { steps: 20 },
            ),
          sanitizeOps: false,
          sanitizeResources: false,
        });
      }
    }
  },
});
