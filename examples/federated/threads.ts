/** Clients in threads of their own, as if they were far away. */
import { Worker } from "node:worker_threads";
import type { Client, EvaluateResult, FitResult, Scalars } from "./client.ts";

/** A client whose calls are answered from its thread. */
export interface RemoteClient {
  fit(...given: Parameters<Client["fit"]>): Promise<FitResult>;
  evaluate(...given: Parameters<Client["evaluate"]>): Promise<EvaluateResult>;
  /** Ends the thread. */
  stop(): Promise<unknown>;
}

/** Starts the thread of client k, which has so many examples. */
export function startClient(k: number, count: number): RemoteClient {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: { k, count } });
  let calls = 0;
  const waiting = new Map<number, PromiseWithResolvers<never>>();
  worker.on("message", ({ id, result }) => {
    waiting.get(id)!.resolve(result as never);
    waiting.delete(id);
  });
  worker.on("error", (error) => {
    for (const { reject } of waiting.values()) reject(error);
  });
  const call = (method: string, parameters: Float32Array[], config: Scalars) => {
    const answer = Promise.withResolvers<never>();
    waiting.set(++calls, answer);
    worker.postMessage({ id: calls, method, parameters, config });
    return answer.promise;
  };
  return {
    fit: (parameters, config) => call("fit", parameters, config),
    evaluate: (parameters, config) => call("evaluate", parameters, config),
    stop: () => worker.terminate(),
  };
}
