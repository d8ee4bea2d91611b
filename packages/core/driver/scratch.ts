/** @module */
import type { Backend } from "./backend.ts";

/** Arrays that live for less than a step, used again by the next one. */
export interface Scratch<A> {
  take(shape: readonly number[]): A;
  give(shape: readonly number[], array: A): void;
  dispose(): void;
}

/** Makes an empty store of arrays. */
export function createScratch<A>(backend: Backend<A>): Scratch<A> {
  const free = new Map<string, A[]>();
  return {
    take: (shape) => free.get(shape.join())?.pop() ?? backend.allocate(shape, 0),
    give(shape, array) {
      const key = shape.join();
      const list = free.get(key);
      if (list) list.push(array);
      else free.set(key, [array]);
    },
    dispose() {
      for (const list of free.values()) list.forEach((array) => backend.dispose(array));
      free.clear();
    },
  };
}
