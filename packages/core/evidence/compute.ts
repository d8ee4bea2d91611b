/**
 * Programs besides a chain's own, on any backend's arrays.
 *
 * @module
 */
import { type Backend, type Kernel, layout } from "../driver/backend.ts";
import type { Program } from "../kernel/program.ts";

/** One run of a program over one parameter. */
export interface Run<A> {
  readonly shape: readonly number[];
  /**
   * What the program reads, by name; and arrays for what it writes, where the caller has them. For an
   * output without an array a new one is made.
   */
  readonly arrays: Readonly<Record<string, A | undefined>>;
  readonly scalars?: Readonly<Record<string, number>>;
}

/** A program on a backend. */
export interface Computer<A> {
  /**
   * Runs the program once for each of `runs`, and gives the arrays of its outputs, in order. Those that
   * the runs did not bring are new: the caller disposes them; it disposes, too, what it brought and does
   * not get back. If it throws, nothing new is left.
   */
  run(runs: readonly Run<A>[]): A[][];
  /** Frees the kernel. */
  dispose(): void;
}

/** A program on a backend; compiled when it first runs. */
export function computer<A>(backend: Backend<A>, program: () => Program): Computer<A> {
  let compiled: { program: Program; kernel: Kernel<A> } | undefined;
  const ready = () => {
    if (compiled !== undefined) return compiled;
    const made = program();
    return compiled = { program: made, kernel: backend.compile(made) };
  };
  return {
    run(runs) {
      if (runs.length === 0) return [];
      const { program, kernel } = ready();
      const made = new Set<A>();
      try {
        const calls = runs.map(({ shape, arrays, scalars }) => {
          const { rows, columns } = layout(shape);
          const shapes = { element: shape, row: [rows], tensor: [] };
          return {
            rows,
            columns,
            inputs: program.inputs.map(({ name }) => arrays[name]!),
            outputs: program.outputs.map((output) => {
              const given = arrays[output.name];
              if (given !== undefined) return given;
              const array = backend.allocate(shapes[output.shape], 0);
              made.add(array);
              return array;
            }),
            scalars: Float64Array.from(program.scalars, (name) => scalars![name]!),
          };
        });
        const results = kernel.run(calls).map(({ outputs }) => [...outputs]);
        for (const array of results.flat()) made.delete(array);
        made.forEach((array) => backend.dispose(array));
        return results;
      } catch (error) {
        made.forEach((array) => backend.dispose(array));
        throw error;
      }
    },
    dispose() {
      compiled?.kernel.dispose?.();
      compiled = undefined;
    },
  };
}
