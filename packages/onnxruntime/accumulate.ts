/** @module */
import { type Backend, compileProgram, type Expr, expr, type Kernel, layout } from "@precond/core";

/** What is gathered over the runs of one update. */
export interface Accumulator<A> {
  /** Takes in the j-th run's gradient (j from 1) of each parameter. */
  add(
    parameters: readonly {
      readonly dims: readonly number[];
      readonly gradient: A;
      /** Mean or sum of the gradients. */
      readonly gathered: A;
      /** Mean or sum of their squares. */
      readonly squares: A;
    }[],
    j: number,
    gathering: "mean" | "sum",
  ): void;
  dispose(): void;
}

/**
 * `m ← a m + b g` and `q ← a q + b g²`, for means with a = (j − 1)/j and b = 1/j: after k
 * micro-batches m is the mean gradient and q the mean of the squared micro-batch gradients, which is
 * `gradientSquares` for free.
 */
export function accumulator<A>(backend: Backend<A>): Accumulator<A> {
  const { add, gt, mul, read, scalar, select, square } = expr;
  const [g, m, q] = [read("gradient"), read("gathered"), read("squares")];
  const [a, b] = [scalar("a"), scalar("b")];
  // Not 0 times the old value, which may be NaN.
  const blend = (old: Expr, x: Expr) => select(gt(a, 0), add(mul(a, old), mul(b, x)), mul(b, x));
  const program = compileProgram({
    outputs: [
      { name: "gathered", shape: "element", value: blend(m, g) },
      { name: "squares", shape: "element", value: blend(q, square(g)) },
    ],
  });
  const kernel: Kernel<A> = backend.compile(program);
  return {
    add(parameters, j, gathering) {
      // The first run overwrites what the last update left.
      const a = j === 1 ? 0 : gathering === "sum" ? 1 : (j - 1) / j;
      const b = gathering === "sum" ? 1 : 1 / j;
      const scalars = Float64Array.from(program.scalars, (name) => name === "a" ? a : b);
      kernel.run(parameters.map((p) => ({
        ...layout(p.dims),
        inputs: program.inputs.map(({ name }) => p[name as "gradient" | "gathered" | "squares"]),
        outputs: [p.gathered, p.squares],
        scalars,
      })));
    },
    dispose: () => kernel.dispose?.(),
  };
}
