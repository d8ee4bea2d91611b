/** @module */
import { random } from "../random.ts";

/** Examples side by side: row i of `x` belongs to row i of `y`. */
export interface Examples {
  readonly count: number;
  readonly features: number;
  readonly x: Float32Array;
  /**
   * Class ids, of sequences one for each position, or 0 and 1; of the squared loss targets, as many
   * numbers a row as there are outputs; nothing where inputs are reproduced.
   */
  readonly y: Int32Array | Float32Array;
  /** Numbers from N(0, 1) for a network that samples. */
  readonly noise?: Float32Array;
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
  const targets = examples.y.length / examples.count;
  const x = new Float32Array(positions.length * features);
  const length = positions.length * targets;
  const y = examples.y instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
  for (let i = 0; i < positions.length; i++) {
    const from = positions[i]!;
    x.set(examples.x.subarray(from * features, (from + 1) * features), i * features);
    y.set(examples.y.subarray(from * targets, (from + 1) * targets), i * targets);
  }
  return { count: positions.length, features, x, y };
}

/** Positions from, from + 1, …, to − 1. */
export function range(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to - from }, (_, i) => from + i);
}

/** All 10,000 digits of the npm package, class by class; its API would copy them one by one. */
export function readDigits(): Examples {
  return digitsOf(Array.from({ length: 10 }, (_, digit) => {
    const { data } = JSON.parse(Deno.readTextFileSync(new URL(`${digit}.json`, digitsFolder())));
    return data;
  }));
}

/** Where the npm package has them, as 0.json, 1.json, … */
export function digitsFolder(): URL {
  return new URL("./digits/", import.meta.resolve("mnist"));
}

/** Examples from the pixels of each class. */
function digitsOf(classes: readonly number[][]): Examples {
  const x: Float32Array[] = [];
  const y: number[] = [];
  for (const [digit, data] of classes.entries()) {
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

/** Fetches what {@linkcode digits} would read: a page has no files. */
export async function fetchDigits(folder: string): Promise<void> {
  const classes = Array.from({ length: 10 }, async (_, digit): Promise<number[]> => {
    const response = await fetch(`${folder}${digit}.json`);
    return (await response.json()).data;
  });
  cached = split(digitsOf(await Promise.all(classes)), 8000);
}

/** The split digits; read once. */
export function digits(): Digits {
  return cached ??= split(readDigits(), 8000);
}
