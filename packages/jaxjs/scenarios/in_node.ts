/**
 * What node_test.ts runs in Node.js, where jax-js's memory is not shared with workers. Prints a
 * {@linkcode NodeReport} as JSON.
 *
 * @module
 */
import { init } from "@jax-js/jax";
import { checkConformance, conformanceCases, heldCases } from "@precond/testing";
import { treeSubject } from "../_testing.ts";

/** What the program found. */
export interface NodeReport {
  /** The version of Node.js. */
  readonly node: string;
  /** Conformance cases that passed on wasm. */
  readonly passed: readonly string[];
  /** What was said, as where kernels cannot run on jax-js's own memory. */
  readonly warnings: readonly string[];
}

await init("cpu", "wasm");
const passed: string[] = [], warnings: string[] = [];
console.warn = (message: string) => void warnings.push(message);
for (const test of [...conformanceCases, ...heldCases]) {
  await checkConformance(test, treeSubject("wasm"), { steps: 10 });
  passed.push(test.name);
}
const { process } = globalThis as unknown as { process: { version: string } };
const report: NodeReport = { node: process.version, passed, warnings };
console.log(JSON.stringify(report));
