/** @module */
import { random } from "../random.ts";

/** Examples side by side: row i of `x` belongs to label i. */
export interface Examples {
  readonly count: number;
  readonly features: number;
  readonly x: Float32Array;
  /** Class ids, or 0 and 1. */
  readonly y: Int32Array;
}

/** Pixels in an image. */
export const pixels = 784;

/** Handwritten digits: 8,000 to train and 2,000 to test, in a fixed random order. */
export interface Digits {
  readonly train: Examples;
  readonly test: Examples;
}

/** The examples at these positions. */
export function pick(examples: Examples, positions: ArrayLike<number>): Examples {
  const { features } = examples;
  const x = new Float32Array(positions.length * features);
  const y = new Int32Array(positions.length);
  for (let i = 0; i < positions.length; i++) {
    const from = positions[i]!;
    x.set(examples.x.subarray(from * features, (from + 1) * features), i * features);
    y[i] = examples.y[from]!;
  }
  return { count: positions.length, features, x, y };
}

/** Positions from, from + 1, …, to − 1. */
export function range(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to - from }, (_, i) => from + i);
}

/** All 10,000 digits of the npm package, class by class; its API would copy them one by one. */
export function readDigits(): Examples {
  const x: Float32Array[] = [];
  const y: number[] = [];
  for (let digit = 0; digit < 10; digit++) {
    const file = new URL(`./digits/${digit}.json`, import.meta.resolve("mnist"));
    const { data } = JSON.parse(Deno.readTextFileSync(file)) as { data: number[] };
    x.push(Float32Array.from(data));
    for (let i = 0; i < data.length / pixels; i++) y.push(digit);
  }
  const all = new Float32Array(y.length * pixels);
  let offset = 0;
  for (const part of x) {
    all.set(part, offset);
    offset += part.length;
  }
  return { count: y.length, features: pixels, x: all, y: Int32Array.from(y) };
}

/** Splits in a fixed random order. */
export function split(all: Examples, train: number): Digits {
  const order = random("digits", "split").permutation(all.count);
  return { train: pick(all, order.subarray(0, train)), test: pick(all, order.subarray(train)) };
}

let cached: Digits | undefined;

/** The split digits; read once. */
export function digits(): Digits {
  return cached ??= split(readDigits(), 8000);
}
