/**
 * Opens graphs on the native WebGPU provider of onnxruntime-web, which tells where each node runs.
 *
 * @module
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import { currentOrt, typed, type Value } from "../_testing.ts";
import { DataType } from "../model/data_type.ts";
import { writeModel } from "../model/read_model.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import { checkGraph } from "../scenarios/check_graph.ts";

const TYPES: Readonly<Record<number, string>> = {
  [DataType.FLOAT]: "float32",
  [DataType.INT64]: "int64",
  [DataType.INT32]: "int32",
  [DataType.BOOL]: "bool",
};

/** Results of a run, by output. */
export type Values = Record<string, { dims: readonly number[]; data: number[] }>;

/** A session with the operators that its provider left to the CPU. */
export interface PlacedSession {
  /** `Op (name)` of every node that runs on the CPU. */
  readonly onCpu: readonly string[];
  run(feeds: Readonly<Record<string, Value>>): Promise<Values>;
  release(): Promise<void>;
}

// deno-lint-ignore no-explicit-any -- the same API as onnxruntime-node, which has the types
let loaded: Promise<any> | undefined;

/** onnxruntime-web with the native WebGPU provider; its log is caught. */
// deno-lint-ignore no-explicit-any -- see above
function webgpuOrt(): Promise<any> {
  return loaded ??= (async () => {
    const ort = await import("onnxruntime-web/webgpu");
    ort.env.wasm.numThreads = 1;
    // The placements are logged for the environment's level only if that is set before first use.
    ort.env.logLevel = "verbose";
    return ort;
  })();
}

/** Whether there is a WebGPU device; none is an error in CI. */
export async function hasWebgpu(): Promise<boolean> {
  const found = await navigator.gpu?.requestAdapter() !== null && navigator.gpu !== undefined;
  if (!found && Deno.env.get("CI") === "true") throw new Error("There is no WebGPU adapter");
  return found;
}

// The wasm module writes its log to the descriptor itself.
const write = fs.writeSync;
let log: string[] | undefined;
let listening = false;

function listen(): void {
  if (listening) return;
  listening = true;
  // deno-lint-ignore no-explicit-any -- a method with four signatures
  (fs as any).writeSync = (fd: number, text: unknown, ...rest: unknown[]): number => {
    if (fd === 2 && typeof text === "string") {
      log?.push(text);
      return text.length;
    }
    // deno-lint-ignore no-explicit-any -- see above
    return (write as any)(fd, text, ...rest);
  };
}

/** Runs `body` with what the wasm module logs put into a list. */
async function logged<T>(body: () => Promise<T>): Promise<{ result: T; lines: string[] }> {
  listen();
  const lines: string[] = log = [];
  try {
    return { result: await body(), lines };
  } finally {
    log = undefined;
  }
}

/** The nodes that the log says are on the CPU. */
function onCpuOf(lines: readonly string[]): string[] {
  let provider = "";
  return lines.flatMap((line) => {
    const all = /All nodes placed on \[(\w+)\]/.exec(line);
    if (all !== null) return all[1]!.startsWith("CPU") ? ["every node"] : [];
    const at = /placed on \[(\w+)\]/.exec(line);
    if (at !== null) provider = at[1]!;
    const node = /VerifyEachNodeIsAssignedToAnEp\]\s+(\w+ \(.*\))/.exec(line);
    return node !== null && provider.startsWith("CPU") ? [node[1]!] : [];
  });
}

/** Opens a model on WebGPU. */
export async function openOnWebgpu(model: ModelProto): Promise<PlacedSession> {
  const ort = await webgpuOrt();
  // deno-lint-ignore no-explicit-any -- see above
  const { result: session, lines } = await logged<any>(() =>
    ort.InferenceSession.create(writeModel(model), {
      executionProviders: ["webgpu"],
      logSeverityLevel: 0,
    })
  );
  return {
    onCpu: onCpuOf(lines),
    async run(feeds) {
      const tensors = Object.entries(feeds).map(([name, value]) => [
        name,
        new ort.Tensor(TYPES[value.type ?? DataType.FLOAT]!, typed(value), value.dims),
      ]);
      // deno-lint-ignore no-explicit-any -- see above
      const { result } = await logged<any>(() => session.run(Object.fromEntries(tensors)));
      return valuesOf(result);
    },
    release: () => session.release(),
  };
}

function valuesOf(
  result: Record<string, { dims: readonly number[]; data: ArrayLike<number | bigint> }>,
): Values {
  return Object.fromEntries(
    Object.entries(result).map(([name, t]) => [name, {
      dims: t.dims,
      data: Array.from(t.data, Number),
    }]),
  );
}

/** Runs a model on the CPU, float32 by default. */
export async function runOnCpu(
  model: ModelProto,
  feeds: Readonly<Record<string, Value>>,
): Promise<Values> {
  checkGraph(model);
  const ort = currentOrt();
  const session = await ort.InferenceSession.create(writeModel(model), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  try {
    const tensors = Object.entries(feeds).map(([name, value]) => [
      name,
      new ort.Tensor(TYPES[value.type ?? DataType.FLOAT]!, typed(value), value.dims),
    ]);
    return valuesOf(await session.run(Object.fromEntries(tensors)));
  } finally {
    await session.release();
  }
}

/** Feeds in the types that a legal model takes. */
export const fedAs = (
  feeds: Readonly<Record<string, Value>>,
  inputs: ReadonlyMap<string, { readonly to: DataType }>,
): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, value]) => {
      const change = inputs.get(name);
      return [name, change === undefined ? value : { ...value, type: change.to }];
    }),
  );

/**
 * Compares results relative to the largest element of each; gradients that vanish (of a key's bias
 * under softmax) are only rounding, so that nothing below 1 % counts as a scale.
 */
export function close(actual: Values, expected: Values, tolerance: number, what: string): void {
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort(), `${what}: outputs`);
  for (const [name, { dims, data }] of Object.entries(expected)) {
    assert.deepEqual([...actual[name]!.dims], [...dims], `${what}: shape of "${name}"`);
    const scale = Math.max(1e-2, ...data.filter(Number.isFinite).map(Math.abs));
    data.forEach((value, k) => {
      const found = actual[name]!.data[k]!;
      if (Object.is(found, value)) return;
      assert.ok(
        Math.abs(found - value) <= tolerance * scale, // also refuses NaN
        `${what}: element ${k} of "${name}" is ${found}, expected ${value}`,
      );
    });
  }
}
