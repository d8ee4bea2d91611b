/** The thread of one client: calls come as messages, results go back. */
import { parentPort, workerData } from "node:worker_threads";
import { createClient } from "./client.ts";
import { definition } from "./definition.ts";
import { makeExamples } from "./problem.ts";

const { k, count } = workerData as { readonly k: number; readonly count: number };
const client = createClient(definition, makeExamples(count, 10 + k, k), 100 + k);

parentPort!.on("message", async ({ id, method, parameters, config }) => {
  const result = await client[method as "fit" | "evaluate"](parameters, config);
  parentPort!.postMessage({ id, result });
});
