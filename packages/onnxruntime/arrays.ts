/** @module */
import type { Setup } from "./set_up.ts";

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
