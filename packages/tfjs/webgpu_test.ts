import { conformanceCases } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-webgpu";
import { conform } from "./_testing.ts";

const adapter = await navigator.gpu?.requestAdapter();
// Needs a Vulkan, Metal or Direct3D driver; CI installs a software one.
const ignore = !adapter;

Deno.test({
  name: "updates on webgpu follow the reference",
  ignore,
  sanitizeResources: false,
  sanitizeOps: false,
  async fn(t) {
    for (const test of conformanceCases) {
      await t.step({
        name: test.name,
        fn: () => conform("webgpu", test, 20),
        sanitizeOps: false,
        sanitizeResources: false,
      });
    }
    void tf;
  },
});
