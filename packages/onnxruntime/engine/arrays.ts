/** @module */
import type { Backend } from "@precond/core/backend";
import type { Parameter, Setup } from "../trainer/set_up.ts";

/** Arrays of a parameter that not every trainer needs. */
export type LazyArray = "squares" | "curvature" | "gathered" | "vector" | "shifted" | "saved";

/** Gives them, and makes them when they are first asked for. */
export function lazyArrays<A>(backend: Backend<A>): (p: Parameter<A>, array: LazyArray) => A {
  return (p, array) => p[array] ??= backend.allocate(p.dims, 0);
}

/** Disposes every array of a trainer. */
export function disposeArrays<A>({ host, parameters, statistics }: Setup<A>): void {
  const arrays = [
    ...parameters.flatMap((p) => [
      ...[p.weights, p.gradient, p.squares, p.curvature, p.gathered, p.vector],
      ...[p.shifted, p.saved],
    ]),
    ...statistics.flatMap(({ current, next }) => [current, next]),
  ];
  for (const array of arrays) if (array !== undefined) host.backend.dispose(array);
}
