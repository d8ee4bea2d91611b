/**
 * Rotates tensors into the Kronecker eigenbasis and back, and keeps the averages it comes from.
 *
 * @module
 */
import type { KroneckerBasis } from "../basis/types.ts";
import { eigenbasis } from "../basis/refresh.ts";
import type { Sides } from "../basis/sides.ts";
import { newestWeight, weights } from "../chain/ema.ts";
import { basisSlots } from "../chain/slots.ts";
import { add, gt, isFinite, mul, not, or, read, scalar, select, sum } from "../kernel/expr.ts";
import { compileProgram, type Program } from "../kernel/program.ts";
import { productsOf } from "../products/products_of.ts";
import type { Backend, Kernel, ProductCall } from "./backend.ts";
import type { Scratch } from "./scratch.ts";

/** A tensor that has a basis. New arrays take the place of its slots; the old ones stay as they are. */
export interface Rotated<A> {
  readonly shape: readonly number[];
  readonly sides: Sides;
  readonly slots: Record<string, A>;
}

/** Samples of g gᵀ and gᵀ g of one tensor; scratch. */
export type Grams<A> = Partial<Record<"left" | "right", A>>;

/** What a driver does with a basis. */
export interface Rotation<A> {
  /** Q_Lᵀ x Q_R of each, in scratch arrays shaped like the tensors. */
  turn(items: readonly Rotated<A>[], x: readonly A[]): A[];
  /** Q_L y Q_Rᵀ of each. */
  turnBack(items: readonly Rotated<A>[], y: readonly A[]): A[];
  /** x xᵀ and xᵀ x of each, where a side is rotated. */
  grams(items: readonly Rotated<A>[], x: readonly A[]): Grams<A>[];
  /**
   * Takes the `count`-th samples into the averages; those that are not finite, and those of tensors
   * whose step is held, are left out.
   */
  average(
    items: readonly Rotated<A>[],
    samples: readonly Grams<A>[],
    counts: readonly number[],
    held: readonly (A | undefined)[],
  ): void;
  /**
   * New eigenvectors, the `count`-th ones, from averages and eigenvectors as read. Turns the slots
   * named in `turning`.
   */
  refresh(item: Rotated<A>, values: BasisValues, count: number, turning: readonly string[]): void;
  /** Averages and eigenvectors as they are now, at once or on their way. */
  read(item: Rotated<A>): BasisValues | Reading;
  dispose(): void;
}

/** One side's average and eigenvectors. */
interface SideValues {
  readonly gram: Float32Array;
  readonly vectors: Float32Array;
}

/** What was read of a tensor's basis. */
export type BasisValues = Partial<Record<"left" | "right", SideValues>>;

/** What a device was asked for, as it was then. */
export interface Reading {
  readonly values: Promise<BasisValues>;
  /** Waits for the device; undefined where the host cannot. */
  now(): BasisValues | undefined;
}

const sideNames = ["left", "right"] as const;
const lengthOf = (sides: Sides, side: "left" | "right") =>
  side === "left" ? sides.rows : sides.columns;

/** The identity of order n. */
export function identity(n: number): Float32Array {
  const values = new Float32Array(n * n);
  for (let i = 0; i < n; i++) values[i * (n + 1)] = 1;
  return values;
}

/**
 * How a sample of g gᵀ or gᵀ g goes into its average: `average ← keep · average + w · sample`, unless the
 * step is held or the sample is not finite.
 */
export function averageProgram(holds: boolean): Program {
  const [average, sample] = [read("average"), read("sample")];
  const finite = isFinite(sum(sample, "tensor"));
  const leftOut = holds ? or(gt(read("held", "tensor"), 0), not(finite)) : not(finite);
  const value = add(mul(scalar("keep"), average), mul(scalar("w"), sample));
  return compileProgram({
    outputs: [{ name: "average", shape: "element", value: select(leftOut, average, value) }],
  });
}

/** Makes the rotations of one basis on one backend. */
export function createRotation<A>(
  basis: KroneckerBasis,
  backend: Backend<A>,
  scratch: Scratch<A>,
): Rotation<A> {
  const products = productsOf(backend);
  const multiply = (calls: readonly ProductCall<A>[]): readonly A[] => {
    if (!products) {
      throw new TypeError(
        `Cannot step: the backend "${backend.name}" has no matrix products, which inBasis() needs`,
      );
    }
    const results = products(calls);
    results.forEach((array, i) => {
      const { out } = calls[i]!;
      if (array === out) return;
      scratch.replace(out, array);
      backend.dispose(out);
    });
    return results;
  };

  /** One side of each tensor that has it; the arrays given stay with the caller. */
  const turnSide = (
    items: readonly Rotated<A>[],
    x: readonly A[],
    side: "left" | "right",
    back: boolean,
  ): A[] => {
    const chosen = items.flatMap(({ sides }, i) => sides[side] ? [i] : []);
    const results = multiply(chosen.map((i): ProductCall<A> => {
      const { shape, sides: { rows, columns }, slots } = items[i]!;
      const q = slots[basisSlots[side].vectors]!;
      const out = scratch.take(shape);
      return side === "left"
        ? { a: q, b: x[i]!, out, rows, inner: rows, columns, transposeA: !back }
        : { a: x[i]!, b: q, out, rows, inner: columns, columns, transposeB: back };
    }));
    const turned = [...x];
    chosen.forEach((i, k) => turned[i] = results[k]!);
    return turned;
  };

  const turnBoth = (items: readonly Rotated<A>[], x: readonly A[], back: boolean): A[] => {
    const half = turnSide(items, x, "left", back);
    const whole = turnSide(items, half, "right", back);
    items.forEach((_, i) => {
      if (half[i] !== x[i] && half[i] !== whole[i]) scratch.give(half[i]!);
    });
    return whole;
  };

  const averaging = new Map<
    boolean,
    Kernel<A> & { inputs: readonly string[]; scalars: readonly string[] }
  >();
  const averageKernel = (holds: boolean) => {
    let found = averaging.get(holds);
    if (!found) {
      const program = averageProgram(holds);
      const kernel = backend.compile(program);
      averaging.set(
        holds,
        found = {
          run: (calls) => kernel.run(calls),
          dispose: () => kernel.dispose?.(),
          inputs: program.inputs.map(({ name }) => name),
          scalars: program.scalars,
        },
      );
    }
    return found;
  };

  return {
    turn: (items, x) => turnBoth(items, x, false),
    turnBack: (items, y) => turnBoth(items, y, true),
    grams(items, x) {
      const found: Grams<A>[] = items.map(() => ({}));
      for (const side of sideNames) {
        const chosen = items.flatMap(({ sides }, i) => sides[side] ? [i] : []);
        const results = multiply(chosen.map((i): ProductCall<A> => {
          const { sides } = items[i]!;
          const n = lengthOf(sides, side);
          const inner = side === "left" ? sides.columns : sides.rows;
          const transposed = side === "left" ? { transposeB: true } : { transposeA: true };
          const out = scratch.take([n, n]);
          return { a: x[i]!, b: x[i]!, out, rows: n, inner, columns: n, ...transposed };
        }));
        chosen.forEach((i, k) => found[i]![side] = results[k]!);
      }
      return found;
    },
    average(items, samples, counts, held) {
      const work = items.flatMap((item, i) =>
        sideNames.flatMap((side) => {
          const sample = samples[i]![side];
          return sample === undefined ? [] : [{ item, side, sample, i }];
        })
      );
      for (const holds of [false, true]) {
        const chosen = work.filter(({ i }) => (held[i] !== undefined) === holds);
        if (chosen.length === 0) continue;
        const kernel = averageKernel(holds);
        const fresh = chosen.map(({ item, side }) => {
          const n = lengthOf(item.sides, side);
          return scratch.take([n, n]);
        });
        const results = kernel.run(chosen.map(({ item, side, sample, i }, k) => {
          const n = lengthOf(item.sides, side);
          const average = item.slots[basisSlots[side].gram]!;
          const arrays: Record<string, A | undefined> = { average, sample, held: held[i] };
          const numbers: Record<string, number> = weights(newestWeight(basis.decay, counts[i]!));
          return {
            rows: n,
            columns: n,
            inputs: kernel.inputs.map((name) => arrays[name]!),
            outputs: [fresh[k]!],
            scalars: Float64Array.from(kernel.scalars, (name) => numbers[name]!),
          };
        }));
        results.forEach(({ outputs }, k) => {
          const { item, side, sample } = chosen[k]!;
          const average = outputs[0]!;
          if (average !== fresh[k]) {
            scratch.replace(fresh[k]!, average);
            backend.dispose(fresh[k]!);
          }
          item.slots[basisSlots[side].gram] = average;
          scratch.give(sample);
        });
      }
    },
    read(item) {
      const sides = sideNames.filter((side) => item.sides[side]);
      const reads = sides.flatMap((side) => {
        const { gram, vectors } = basisSlots[side];
        return [gram, vectors].map((slot) => backend.read(item.slots[slot]!));
      });
      const named = (values: readonly Float32Array[]): BasisValues =>
        Object.fromEntries(
          sides.map((side, k) => [side, { gram: values[2 * k]!, vectors: values[2 * k + 1]! }]),
        );
      const there = (values: readonly unknown[]): values is Float32Array[] =>
        values.every((value) => value instanceof Float32Array);
      if (there(reads)) return named(reads);
      const arrived: (Float32Array | undefined)[] = reads.map(() => undefined);
      const all = Promise.all(reads.map(async (read, k) => arrived[k] = await read)).then(named);
      // A step that fails after this leaves it to nobody.
      all.catch(() => {});
      return {
        values: all,
        now() {
          const values = reads.map((read, k) =>
            arrived[k] ?? (read instanceof Float32Array ? read : read.now?.())
          );
          return there(values) ? named(values) : undefined;
        },
      };
    },
    refresh(item, values, count, turning) {
      const old = turning.map((name) => item.slots[name]!);
      const items = turning.map(() => item);
      const straight = turnBoth(items, old, true);
      for (const side of sideNames) {
        const given = values[side];
        if (!given) continue;
        const n = lengthOf(item.sides, side);
        // Two full decompositions, as the first averages are of few samples; then one step of an iteration.
        const vectors = eigenbasis(given.gram, n, count > 2 ? given.vectors : undefined);
        item.slots[basisSlots[side].vectors] = backend.write(vectors, [n, n]);
      }
      const turned = turnBoth(items, straight, false);
      turning.forEach((name, k) => {
        scratch.give(straight[k]!);
        if (scratch.has(old[k]!)) scratch.give(old[k]!);
        item.slots[name] = turned[k]!;
      });
    },
    dispose() {
      for (const kernel of averaging.values()) kernel.dispose?.();
      averaging.clear();
    },
  };
}
