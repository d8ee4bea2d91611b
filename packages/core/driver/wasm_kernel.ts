/**
 * Instantiates the WebAssembly lowering over any memory.
 *
 * @module
 */
import type { Program } from "../kernel/program.ts";
import { wasmModule, wasmSignature } from "../lowerings/wasm.ts";
import type { KernelCall } from "./backend.ts";
import { runPasses } from "./run_passes.ts";

/** How a kernel finds memory for row sums during a step. */
export interface WasmScratch {
  /** An address of at least that many bytes, aligned to 8. */
  allocate(bytes: number): number;
  free(address: number): void;
}

/** Whether this engine compiles WebAssembly SIMD. */
export function hasWasmSimd(): boolean {
  // One function: () → v128.const 0, dropped.
  const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 23, 1, 21, 0];
  const body = [0xfd, 0x0c, ...new Array(16).fill(0), 0x1a, 0x0b];
  return typeof WebAssembly === "object" && typeof WebAssembly.validate === "function" &&
    WebAssembly.validate(Uint8Array.of(...bytes, ...body));
}

/** A content security policy without 'wasm-unsafe-eval' forbids what the engine could do. */
function compiled(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw new TypeError(
      "Cannot run kernels in WebAssembly: this engine does not compile it here, as under a content " +
        "security policy without 'wasm-unsafe-eval'; use the JavaScript lowering",
      { cause },
    );
  }
}

/**
 * Compiles the program against `memory`. Calls hold addresses of float32 arrays; an output may be
 * the input of the same name, but no other.
 */
export function wasmKernel(
  program: Program,
  memory: WebAssembly.Memory,
  scratch: WasmScratch,
  options: { sharedMemory?: boolean } = {},
): (calls: readonly KernelCall<number>[]) => boolean[] {
  const module = compiled(wasmModule(program, options));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const passes = program.passes.map((_, p) =>
    exports[`pass${p}`] as (...args: readonly number[]) => number
  );
  const sums = program.sums.map((_, s) => exports[`g${s}`] as WebAssembly.Global<"f64">);
  const { rowSums } = wasmSignature(program);
  return (calls) => {
    const addresses = calls.map(({ rows }) => rowSums.map(() => scratch.allocate(rows * 8)));
    const indices = new Map(calls.map((call, i) => [call, i]));
    try {
      return runPasses(program, calls, (p, call, totals) => {
        const { rows, columns, inputs, outputs, scalars } = call;
        const [r, c] = program.usesRows ? [rows, columns] : [1, rows * columns];
        const held = passes[p]!(
          r,
          c,
          ...inputs,
          ...outputs,
          ...addresses[indices.get(call)!]!,
          ...scalars,
          ...totals,
        );
        for (const s of program.passes[p]!.sums) totals[s] = sums[s]!.value;
        return held !== 0;
      });
    } finally {
      addresses.flat().forEach((address) => scratch.free(address));
    }
  };
}
