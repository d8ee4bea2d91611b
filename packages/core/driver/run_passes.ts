/** @module */
import type { Program } from "../kernel/program.ts";
import type { KernelCall } from "./backend.ts";

/** Runs one pass on one call; `totals` and `rowSums` are indexed like the program's sums. */
export type PassRunner<A> = (
  pass: number,
  call: KernelCall<A>,
  totals: Float64Array,
  rowSums: readonly (Float64Array | undefined)[],
) => boolean;

/**
 * Runs the passes of a program over all calls, and between passes adds up the sums over "all".
 * Shared by every host that runs passes one by one on the CPU.
 */
export function runPasses<A>(
  program: Program,
  calls: readonly KernelCall<A>[],
  run: PassRunner<A>,
): boolean[] {
  const totals = calls.map(() => new Float64Array(program.sums.length));
  const rowSums = calls.map(({ rows }) =>
    program.sums.map((s) => s.scope === "row" ? new Float64Array(rows) : undefined)
  );
  let held: boolean[] = [];
  program.passes.forEach((pass, p) => {
    held = calls.map((call, i) => run(p, call, totals[i]!, rowSums[i]!));
    for (const s of pass.sums) {
      if (program.sums[s]!.scope !== "all") continue;
      const total = totals.reduce((sum, t) => sum + t[s]!, 0);
      for (const t of totals) t[s] = total;
    }
  });
  return held;
}
