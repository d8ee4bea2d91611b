/**
 * What webgpu_node_test.ts runs in Node.js: WebGPU by the npm package `webgpu`. Prints a
 * {@linkcode NodeReport} as JSON.
 *
 * @module
 */
import { conformanceCases, representatives } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import { create, globals } from "webgpu";
import { conformFused } from "../_testing.ts";
import type { OptimizerName } from "./networks.ts";
import { train } from "./train.ts";

/** What the program found. */
export interface NodeReport {
  /** The version of Node.js. */
  readonly node: string;
  /** What computed, by its own name. */
  readonly gpu: string;
  /** Conformance cases that passed, and whether their updates were fused. */
  readonly fused: Readonly<Record<string, boolean>>;
  /** The losses of two epochs of an MLP, by backend. */
  readonly losses: Readonly<Record<OptimizerName, Readonly<Record<"cpu" | "webgpu", number[]>>>>;
}

// The backend looks for navigator.gpu when it is imported; Node.js 20 has no navigator at all.
Object.assign(globalThis, globals);
const gpu = { value: create([]), configurable: true };
if (!globalThis.navigator) Object.defineProperty(globalThis, "navigator", { value: {} });
Object.defineProperty(globalThis.navigator, "gpu", gpu);
await import("@tensorflow/tfjs-backend-webgpu");

await tf.setBackend("webgpu");
const { device } = tf.backend() as unknown as { device: GPUDevice };
device.addEventListener("uncapturederror", ({ error }) => {
  throw error;
});
const name = device.adapterInfo.description;

const fused: Record<string, boolean> = {};
for (const test of representatives(conformanceCases)) {
  fused[test.name] = await conformFused("webgpu", test, 10);
}

const lossesOf = async (optimizer: OptimizerName) => {
  const found = { cpu: [] as number[], webgpu: [] as number[] };
  for (const backend of ["cpu", "webgpu"] as const) {
    await tf.setBackend(backend);
    found[backend] = await train("mlp", optimizer, 2);
  }
  return found;
};

const { process } = globalThis as unknown as { process: { version: string } };
const report: NodeReport = {
  node: process.version,
  gpu: name,
  fused,
  losses: { adam: await lossesOf("adam"), combined: await lossesOf("combined") },
};
console.log(JSON.stringify(report));
