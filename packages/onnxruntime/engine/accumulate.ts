/** @module */
import { type Expr, expr } from "@precond/core";
import { type Backend, compileProgram, type Kernel, layout } from "@precond/core/backend";

/** What is gathered over the runs of one update. */
export interface Accumulator<A> {
  /** Takes in the j-th run's gradient (j from 1) of each parameter. */
  add(
    parameters: readonly {
      readonly dims: readonly number[];
      readonly gradient: A;
      /** Mean or sum of the gradients. */
      readonly gathered: A;
      /** Mean of their squares, in the scale of `gathered`: of sums k² times that of means. */
      readonly squares: A;
    }[],
    j: number,
    gathering: "mean" | "sum",
  ): void;
  dispose(): void;
}

/**
 * `m ← a m + b g` and `q ← c q + d g²`, for means with a = c = (j − 1)/j and b = d = 1/j: after k
 * micro-batches m is the mean gradient and q the mean of the squared micro-batch gradients, which is
 * `gradientSquares` for free. For sums a = b = 1, c = j/(j − 1), d = j: m is k times the mean, q k²
 * times the mean square, so that what is estimated from the two does not depend on the form.
 */
export function accumulator<A>(backend: Backend<A>): Accumulator<A> {
  const { add, gt, mul, read, scalar, select, square } = expr;
  const [g, m, q] = [read("gradient"), read("gathered"), read("squares")];
  // Not 0 times the old value, which may be NaN.
  const blend = (keep: Expr, old: Expr, enter: Expr, x: Expr) =>
    select(gt(keep, 0), add(mul(keep, old), mul(enter, x)), mul(enter, x));
  const program = compileProgram({
    outputs: [
      { name: "gathered", shape: "element", value: blend(scalar("a"), m, scalar("b"), g) },
      {
        name: "squares",
        shape: "element",
        value: blend(scalar("c"), q, scalar("d"), square(g)),
      },
    ],
  });
  const kernel: Kernel<A> = backend.compile(program);
  return {
    add(parameters, j, gathering) {
      const sum = gathering === "sum";
      const values: Readonly<Record<string, number>> = {
        // The first run overwrites what the last update left.
        a: j === 1 ? 0 : sum ? 1 : (j - 1) / j,
        b: sum ? 1 : 1 / j,
        c: j === 1 ? 0 : sum ? j / (j - 1) : (j - 1) / j,
        d: sum ? j : 1 / j,
      };
      const scalars = Float64Array.from(program.scalars, (name) => values[name]!);
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
