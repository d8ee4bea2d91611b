/** @module */
import { interpret } from "../lowerings/interpreter.ts";
import type { HostPass } from "../lowerings/host_pass.ts";
import { lowerToJavaScript } from "../lowerings/javascript.ts";
import type { Program } from "../kernel/program.ts";
import { multiplyArrays } from "../products/javascript.ts";
import type { Backend, Kernel, KernelCall } from "./backend.ts";

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

/** Kernels on Float32Arrays, weights and slots updated in place. */
export function arrayBackend(
  lowering: "javascript" | "interpreter" = "javascript",
): Backend<Float32Array> {
  return {
    name: lowering,
    compile(program): Kernel<Float32Array> {
      const passes: HostPass[] = lowering === "javascript"
        ? lowerToJavaScript(program)
        : interpret(program);
      return {
        run(calls) {
          const held = runPasses(program, calls, (p, call, totals, rowSums) => {
            const { rows, columns, inputs, outputs, scalars } = call;
            // One long row loops faster than many short ones.
            const [r, c] = program.usesRows ? [rows, columns] : [1, rows * columns];
            return passes[p]!(r, c, inputs, outputs, scalars, totals, rowSums);
          });
          return calls.map(({ outputs }, i) => ({ outputs, held: held[i]! }));
        },
      };
    },
    multiply(calls) {
      calls.forEach(multiplyArrays);
      return calls.map(({ out }) => out);
    },
    allocate(shape, fill) {
      return new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill);
    },
    write: (values) => values.slice(),
    copy: (calls) =>
      calls.map(({ from, into }) => {
        if (into === undefined) return from.slice();
        into.set(from);
        return into;
      }),
    read: (array) => array.slice(),
    dispose() {},
  };
}
