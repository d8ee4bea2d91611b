import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { endure } from "./endurance.ts";

for (const backend of ["cpu", "wasm"]) {
  Deno.test(`10,000 updates need no more memory than 100 on ${backend}`, async () => {
    await tf.setBackend(backend);
    await endure(10_000);
  });
}
