/**
 * Means over micro-batches.
 *
 * @module
 */
import type { Backend } from "../driver/backend.ts";
import { add, type Expr, gt, mul, read, scalar, select, square } from "../kernel/expr.ts";
import { compileProgram } from "../kernel/program.ts";
import { computer } from "./compute.ts";

/** One parameter's share of a run. */
export interface Gathered<A> {
  readonly shape: readonly number[];
  /** This run's gradient. */
  readonly gradient: A;
  /** Mean or sum of the gradients before; left out in the first run. */
  readonly gathered?: A | undefined;
  /** Mean of their squares, in the scale of `gathered`: of sums k² times that of means. */
  readonly squares?: A | undefined;
}

/** What is gathered after a run. */
export interface Means<A> {
  readonly gathered: A;
  /** Undefined if the accumulator gathers no squares. */
  readonly squares: A | undefined;
}

/** Options of {@linkcode accumulator}. */
export interface AccumulatorOptions {
  /** Gather the squares, too. */
  readonly squares: boolean;
  /**
   * Write into the arrays of the run before, which are then given back; those of the first run, whose
   * contents do not matter, the caller brings. Otherwise every run makes new arrays, and the caller
   * disposes the old ones when it will.
   */
  readonly inPlace: boolean;
}

/** What is gathered over the runs of one update. */
export interface Accumulator<A> {
  /** Takes in the j-th run (j from 1). */
  add(parameters: readonly Gathered<A>[], j: number, gathering: "mean" | "sum"): Means<A>[];
  dispose(): void;
}

/**
 * `m ← a m + b g` and `q ← c q + d g²`, for means with a = c = (j − 1)/j and b = d = 1/j: after k
 * micro-batches m is the mean gradient and q the mean of the squared micro-batch gradients, which is
 * `gradientSquares` for free. For sums a = b = 1, c = j/(j − 1), d = j: m is k times the mean, q k²
 * times the mean square, so that what is estimated from the two does not depend on the form.
 */
export function accumulator<A>(
  backend: Backend<A>,
  { squares, inPlace }: AccumulatorOptions,
): Accumulator<A> {
  // A kernel that reads and writes one array knows it by one name.
  const [before, squaresBefore] = inPlace ? ["gathered", "squares"] : ["before", "squaresBefore"];
  const g = read("gradient");
  // Not 0 times the old value, which may be NaN.
  const blend = (keep: Expr, old: Expr, enter: Expr, x: Expr) =>
    select(gt(keep, 0), add(mul(keep, old), mul(enter, x)), mul(enter, x));
  const { run, dispose } = computer(backend, () =>
    compileProgram({
      outputs: [
        {
          name: "gathered",
          shape: "element",
          value: blend(scalar("a"), read(before), scalar("b"), g),
        },
        ...squares
          ? [{
            name: "squares",
            shape: "element" as const,
            value: blend(scalar("c"), read(squaresBefore), scalar("d"), square(g)),
          }]
          : [],
      ],
    }));
  return {
    add(parameters, j, gathering) {
      const sum = gathering === "sum";
      const results = run(parameters.map(({ shape, gradient, gathered, squares }) => {
        // What is new, or what the last update left, is overwritten.
        const first = j === 1 || gathered === undefined;
        return {
          shape,
          arrays: {
            gradient,
            [before]: gathered ?? (inPlace ? undefined : gradient),
            [squaresBefore]: squares ?? (inPlace ? undefined : gradient),
          },
          scalars: {
            a: first ? 0 : sum ? 1 : (j - 1) / j,
            b: sum ? 1 : 1 / j,
            c: first ? 0 : sum ? j / (j - 1) : (j - 1) / j,
            d: sum ? j : 1 / j,
          },
        };
      }));
      return results.map(([gathered, squares]) => ({ gathered: gathered!, squares }));
    },
    dispose,
  };
}
