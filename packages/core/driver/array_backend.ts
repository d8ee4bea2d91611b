/** @module */
import { interpret } from "../lowerings/interpreter.ts";
import type { HostPass } from "../lowerings/host_pass.ts";
import { lowerToJavaScript } from "../lowerings/javascript.ts";
import { multiplyArrays } from "../products/javascript.ts";
import type { Backend, Kernel } from "./backend.ts";
import { runPasses } from "./run_passes.ts";

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
