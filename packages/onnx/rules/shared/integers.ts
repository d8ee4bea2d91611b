/** @module */
import { type Dim, product, quotient } from "../../graph/dims.ts";
import type { NodeContext, OperatorRule } from "../../graph/rule.ts";

/** Length of the longest symbol that is kept. */
const LONGEST = 100;

/**
 * Shape arithmetic: applies `f` to known integers, a vector of one stretching; undefined where `f`
 * cannot tell. A symbol is the size of something, so at least 0; truth is 1 or 0.
 */
export function onIntegers(
  f: (...values: Dim[]) => Dim | undefined,
): NonNullable<OperatorRule["evaluate"]> {
  return (n: NodeContext) => {
    const inputs = n.node.input.map((name) => n.b.known(name));
    if (inputs.length < Math.max(1, f.length) || inputs.some((x) => x === undefined)) {
      return undefined;
    }
    const lengths = inputs.map((x) => x!.length).filter((length) => length !== 1);
    const length = lengths[0] ?? 1;
    if (lengths.some((other) => other !== length)) return undefined;
    const result: Dim[] = [];
    for (let k = 0; k < length; k++) {
      const value = f(...inputs.map((x) => x![x!.length === 1 ? 0 : k]!));
      if (value === undefined) return undefined;
      // No NaN or infinity, no overflow; and no text that doubles with every sum of sums.
      if (typeof value === "number" ? !Number.isSafeInteger(value) : value.length > LONGEST) {
        return undefined;
      }
      result.push(value);
    }
    return result;
  };
}

/**
 * Whether a number stands for any int64 from here on (exporters write the largest for "to the end"):
 * nothing can be computed from it.
 */
export const isClamped = (x: Dim): boolean =>
  typeof x === "number" && Math.abs(x) >= Number.MAX_SAFE_INTEGER;

/** A symbol for a size that is no product: equal texts stand for equal sizes. */
const symbol = (x: Dim, operator: string, y: Dim): Dim =>
  `(${x}${operator}${y})`.replaceAll("*", "·");

export function sumOf(x: Dim, y: Dim): Dim | undefined {
  if (isClamped(x) || isClamped(y)) return undefined;
  if (typeof x === "number" && typeof y === "number") return x + y;
  if (x === 0) return y;
  if (y === 0) return x;
  // With a negative number the result might be negative, and no size.
  if (Number(x) < 0 || Number(y) < 0) return undefined;
  if (x === y) return product([2, x]);
  return String(x) < String(y) ? symbol(x, "+", y) : symbol(y, "+", x);
}

export function differenceOf(x: Dim, y: Dim): Dim | undefined {
  if (isClamped(x) || isClamped(y)) return undefined;
  if (typeof x === "number" && typeof y === "number") return x - y;
  return x === y ? 0 : y === 0 ? x : undefined;
}

export function productOf(x: Dim, y: Dim): Dim | undefined {
  if (isClamped(x) || isClamped(y)) return undefined;
  if (typeof x === "number" && typeof y === "number") return x * y;
  return Number(x) < 0 || Number(y) < 0 ? undefined : product([x, y]);
}

export function quotientOf(x: Dim, y: Dim): Dim | undefined {
  if (isClamped(x) || isClamped(y)) return undefined;
  if (y === 0) return undefined;
  if (typeof x === "number" && typeof y === "number") return Math.trunc(x / y);
  return Number(x) < 0 || Number(y) < 0 ? undefined : quotient(x, y) ?? symbol(x, "/", y);
}

export function equal(x: Dim, y: Dim): 0 | 1 | undefined {
  if (isClamped(x) && isClamped(y)) return undefined;
  if (x === y) return 1;
  if (typeof x === "number" && typeof y === "number") return 0;
  return Number(x) < 0 || Number(y) < 0 ? 0 : undefined;
}

export function greater(x: Dim, y: Dim): 0 | 1 | undefined {
  if (isClamped(x) && x === y) return undefined;
  if (typeof x === "number" && typeof y === "number") return x > y ? 1 : 0;
  if (x === y || (typeof x === "number" && x <= 0)) return 0;
  return typeof y === "number" && y < 0 ? 1 : undefined;
}

/** A function of numbers alone. */
export const ofNumbers =
  (f: (...values: number[]) => number | undefined) => (...values: Dim[]): Dim | undefined =>
    values.length >= f.length && values.every((v) => typeof v === "number")
      ? f(...values)
      : undefined;

export const not = (x: Dim | undefined): 0 | 1 | undefined =>
  typeof x === "number" ? (x === 0 ? 1 : 0) : undefined;
