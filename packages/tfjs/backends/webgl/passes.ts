/** @module */
import type { KernelCall, KernelResult, Program } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";

/** Sums that are known, in the order of `program.sums`. */
export type Sums = (tf.Tensor | undefined)[];

/** How to do the parts of a step. */
export interface Parts {
  /** The sums of that pass, in the order of `program.passes[pass].sums`. */
  sums(pass: number, call: KernelCall<tf.Tensor>, known: Sums): tf.Tensor[];
  /** The outputs of that pass, in the order of `program.outputs`. */
  outputs(pass: number, call: KernelCall<tf.Tensor>, known: Sums): tf.Tensor[];
}

/** Runs the passes of a program on all calls, pass by pass, since sums over "all" run over them. */
export function runPasses(
  program: Program,
  calls: readonly KernelCall<tf.Tensor>[],
  parts: Parts,
): KernelResult<tf.Tensor>[] {
  return tf.tidy(() => {
    const known: Sums[] = calls.map(() => program.sums.map(() => undefined));
    let results: tf.Tensor[][] = calls.map(() => []);
    program.passes.forEach((pass, p) => {
      if (pass.sums.length > 0) {
        const found = calls.map((call, i) =>
          call.rows === 0 ? pass.sums.map(() => tf.zeros([1])) : parts.sums(p, call, known[i]!)
        );
        pass.sums.forEach((index, k) => {
          const all = program.sums[index]!.scope === "all"
            ? found.map((list) => list[k]!).reduce((a, b) => tf.add(a, b))
            : undefined;
          calls.forEach((_, i) => known[i]![index] = all ?? found[i]![k]!);
        });
      }
      if (pass.outputs.length === 0) return;
      results = calls.map((call, i) =>
        call.rows === 0 ? call.outputs.map((t) => tf.clone(t)) : parts.outputs(p, call, known[i]!)
      );
    });
    // Only now: what throws leaves nothing behind.
    return results.map((list) => ({ outputs: list.map((t) => tf.keep(t)), held: false }));
  });
}
