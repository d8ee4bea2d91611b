/**
 * Arrays of a step that others do not see: what lives for less than the step, and what becomes the state
 * only when all of the step is done.
 *
 * @module
 */
import type { Backend } from "./backend.ts";

/** Arrays that are used again by the next step. */
export interface Scratch<A> {
  /** An array of that shape, lent until it is given back; what is in it is left over. */
  take(shape: readonly number[]): A;
  /** Takes back an array that is lent. */
  give(array: A): void;
  /** Whether the array is lent. */
  has(array: A): boolean;
  /** Whether it is lent, and was not made by a kernel. */
  owns(array: A): boolean;
  /** `next` is lent in place of `taken`, which no longer exists. */
  replace(taken: A, next: A): void;
  /** Lends an array that a kernel made: {@linkcode Scratch.reclaim} disposes it, too. */
  lend(array: A): void;
  /** Leaves what is lent with the caller, and takes an array of the same shape in its stead, if any. */
  leave(array: A, other?: A): void;
  /** Disposes all that is lent: the step has failed. */
  reclaim(): void;
  dispose(): void;
}

/** Makes an empty store of arrays. */
export function createScratch<A>(backend: Backend<A>): Scratch<A> {
  const free = new Map<string, A[]>();
  /** Their shapes, if they may be given back. */
  const lent = new Map<A, string | undefined>();
  const put = (key: string | undefined, array: A) => {
    if (key === undefined) {
      backend.dispose(array);
      return;
    }
    const list = free.get(key);
    if (list) list.push(array);
    else free.set(key, [array]);
  };
  return {
    take(shape) {
      const key = shape.join();
      const array = free.get(key)?.pop() ?? backend.allocate(shape, 0);
      lent.set(array, key);
      return array;
    },
    give(array) {
      put(lent.get(array), array);
      lent.delete(array);
    },
    has: (array) => lent.has(array),
    owns: (array) => lent.get(array) !== undefined,
    replace(taken, next) {
      lent.set(next, lent.get(taken));
      lent.delete(taken);
    },
    lend: (array) => void lent.set(array, undefined),
    leave(array, other) {
      if (other !== undefined) put(lent.get(array), other);
      lent.delete(array);
    },
    reclaim() {
      for (const array of lent.keys()) backend.dispose(array);
      lent.clear();
    },
    dispose() {
      for (const list of free.values()) list.forEach((array) => backend.dispose(array));
      free.clear();
    },
  };
}
