/**
 * Differentiates one model, once, and prints a {@linkcode Differentiation}. A process of its own:
 * `deno run -A --v8-flags=--expose-gc bench/onnx/first_call.ts resnet50`.
 *
 * @module
 */
import { buildModel, differentiate } from "@precond/onnx";
import { memoryUsage } from "node:process";
import { type OnnxCase, onnxCases } from "./cases.ts";
import type { Differentiation } from "./rows.ts";

/** Bytes that are in use after a collection. */
function used(): number {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error("Cannot measure memory: run with --v8-flags=--expose-gc");
  gc();
  const { heapUsed, external } = memoryUsage();
  return heapUsed + external;
}

function differentiateFirst({ build, options }: OnnxCase): Differentiation {
  const m = buildModel();
  build(m);
  const model = m.build();
  const { node, initializer } = model.graph!;
  const bytes = initializer.reduce((sum, { rawData }) => sum + (rawData?.byteLength ?? 0), 0);
  const before = used();
  const start = performance.now();
  const result = differentiate(model, options);
  const differentiate_ms = performance.now() - start;
  const extra = used() - before;
  return {
    nodes: node.length,
    gradient_nodes: result.model.graph!.node.length,
    differentiate_ms,
    extra_memory_ratio: extra / bytes,
  };
}

if (import.meta.main) {
  const [name] = Deno.args;
  const found = onnxCases.find((c) => c.name === name);
  if (!found) throw new Error(`Cannot differentiate "${name}": there is no such case`);
  console.log(JSON.stringify(differentiateFirst(found)));
}
