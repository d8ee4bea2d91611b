/** @module */
import { wasmEncoder } from "@precond/core/backend";
import { depthwiseFilter, depthwiseFilters, depthwiseInput } from "./depthwise.ts";
import { maxima, maxPool } from "./pooling.ts";
import { clear, outer, spread, turn } from "./products.ts";
import { addRows, addRowsExactly, narrow, sum } from "./sums.ts";

const functions = [
  ...[clear, outer, spread, turn, depthwiseFilter, depthwiseFilters, depthwiseInput],
  ...[maxima, maxPool, sum, addRows, addRowsExactly, narrow],
];

type Name =
  | "clear"
  | "outer"
  | "spread"
  | "turn"
  | "depthwiseFilter"
  | "depthwiseFilters"
  | "depthwiseInput"
  | "maxima"
  | "maxPool"
  | "sum"
  | "addRows"
  | "addRowsExactly"
  | "narrow";

/** The functions of this folder; their parameters are named where they are written. */
export type Functions = Readonly<Record<Name, (...args: readonly number[]) => void>>;

let compiled: WebAssembly.Module | undefined;

/** The functions over a memory. */
export function functionsOn(memory: WebAssembly.Memory): Functions {
  compiled ??= new WebAssembly.Module(wasmEncoder.encodeModule(functions, 0));
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as Functions;
}
