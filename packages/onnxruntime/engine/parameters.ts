/**
 * Parameters on a host, and the arrays that go with them.
 *
 * @module
 */
import type { Backend } from "@precond/core/backend";

/** A parameter and its arrays; those that are optional appear when they are first needed. */
export interface Parameter<A> {
  readonly name: string;
  readonly dims: readonly number[];
  readonly size: number;
  weights: A;
  /** Where runs write the gradient. */
  readonly gradient: A;
  squares?: A;
  curvature?: A;
  /** A sample that replaces the one in `curvature` once its run has been taken in. */
  newCurvature?: A;
  gathered?: A;
  vector?: A;
  shifted?: A;
  saved?: A;
}

/** What is fed as parameters are, and not trained: a frozen parameter, or a running statistic. */
export interface Fixed<A> {
  readonly name: string;
  readonly dims: readonly number[];
  current: A;
  /** Where runs write the new value of a running statistic; undefined for a frozen parameter. */
  next: A | undefined;
}

/** The arrays that runs read, by the names of the model: of parameters, and of what is fed as they are. */
export function fedArrays<A>(
  { parameters, fixed }: {
    readonly parameters: readonly Parameter<A>[];
    readonly fixed: readonly Fixed<A>[];
  },
): { readonly name: string; readonly dims: readonly number[]; readonly array: A }[] {
  return [
    ...parameters.map(({ name, dims, weights }) => ({ name, dims, array: weights })),
    ...fixed.map(({ name, dims, current }) => ({ name, dims, array: current })),
  ];
}

const lazy = [
  "squares",
  "curvature",
  "newCurvature",
  "gathered",
  "vector",
  "shifted",
  "saved",
] as const;

/** Arrays of a parameter that not every trainer needs. */
export type LazyArray = typeof lazy[number];

/** Gives them, and makes them when they are first asked for. */
export function lazyArrays<A>(backend: Backend<A>): (p: Parameter<A>, array: LazyArray) => A {
  return (p, array) => p[array] ??= backend.allocate(p.dims, 0);
}

/** Disposes every array. */
export function disposeArrays<A>(
  backend: Backend<A>,
  parameters: readonly Parameter<A>[],
  fixed: readonly Fixed<A>[],
): void {
  const arrays = [
    ...parameters.flatMap((p) => [p.weights, p.gradient, ...lazy.map((name) => p[name])]),
    ...fixed.flatMap(({ current, next }) => [current, next]),
  ];
  for (const array of arrays) if (array !== undefined) backend.dispose(array);
}
