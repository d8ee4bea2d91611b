import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgpu";
import type { OptimizerName } from "./networks.ts";
import { tasksOf, tolerances, train } from "./train.ts";

const hasWebgpu = Boolean(await navigator.gpu?.requestAdapter());
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
        for (const optimizer of ["adam", "combined"] as const) {
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
