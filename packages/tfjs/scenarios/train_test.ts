import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgpu";
import type { OptimizerName } from "./networks.ts";
import { tasksOf, tolerances, train } from "./train.ts";

const hasWebgpu = Boolean(await navigator.gpu?.requestAdapter());
const bothOptimizers: readonly OptimizerName[] = ["adam", "combined"];
const expected: Partial<Record<OptimizerName, number[]>> = {};

for (const backend of ["cpu", "wasm", "webgpu"]) {
  Deno.test({
    name: `model.fit() trains networks on ${backend}`,
    ignore: backend === "webgpu" && !hasWebgpu,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn(t) {
      await tf.setBackend(backend);
      for (const task of tasksOf(backend)) {
        // A software adapter is slow: there each network has one optimizer, the MLP both.
        const combined = ["combined"] as const;
        const optimizers = backend === "webgpu" && task !== "mlp" ? combined : bothOptimizers;
        for (const optimizer of optimizers) {
          await t.step(`${task} with ${optimizer}`, async () => {
            const losses = await train(task, optimizer);
            if (task !== "mlp") return;
            const relative = tolerances[optimizer];
            assertAllClose(losses, expected[optimizer] ??= losses, { relative }, backend);
          });
        }
      }
    },
  });
}
