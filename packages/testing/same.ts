/**
 * Assertions that also run in pages, which have no more of `node:assert` than its error.
 *
 * @module
 */
import { AssertionError } from "node:assert";

/** Throws an AssertionError. */
export function fail(message: string): never {
  throw new AssertionError({ message });
}

type Numbers = number | undefined | readonly Numbers[];

const equal = (a: Numbers, b: Numbers): boolean =>
  typeof a === "object" && typeof b === "object"
    ? a.length === b.length && a.every((x, i) => equal(x, b[i]))
    : Object.is(a, b);

const show = (a: Numbers): string => typeof a === "object" ? `[${a.map(show)}]` : String(a);

/** Asserts that numbers, or lists of them, are the same in each bit; NaN is NaN. */
export function same(actual: Numbers, expected: Numbers, what: string): void {
  if (equal(actual, expected)) return;
  fail(`${what} is ${show(actual)}, expected ${show(expected)}`);
}
