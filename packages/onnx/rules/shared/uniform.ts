/** @module */
import type { Builder } from "../../graph/builder.ts";
import { type Dim, isStatic, product } from "../../graph/dims.ts";
import { reshapeLike } from "../../graph/emit.ts";
import { DataType } from "../../model/data_type.ts";

/**
 * A prime with `p · 2p + p < 2²⁴`: then every product below, and every sum of products, is an integer
 * that float32 holds exactly, and all providers draw the same numbers.
 */
const P = 2887;
/** Length of the vectors whose inner products are the random numbers. */
const K = 8;
const CENTRE = (P - 1) / 2;
/** An index is hashed in two digits to this base (less than P) if it may be larger. */
const BASE = 2048;
/** Distinct results: uniforms are multiples of 2⁻¹⁶. */
const LEVELS = 2 ** 16;

/** What {@linkcode uniformLike} draws from. */
export interface UniformSource {
  /** A float32 scalar, an integer in [0, 2²⁴). */
  readonly seed: string;
  /** Tells apart what is drawn with one seed. */
  readonly stream: number;
}

/**
 * Uniform numbers in [0, 1), float32, in the shape of `x`: a function of seed, stream and position.
 *
 * `u_rc = frac(⟨a_r, b_c⟩ / 2¹⁶)` where the shape is taken as rows by columns and a_r, b_c ∈ ℤ⁸ are
 * hashes of the row and of the column, so that per element there is only a product of matrices with
 * inner size 8 and a fraction: hashing every element would cost some twenty passes over it. The
 * inner products spread over ±2²⁴ ≫ 2¹⁶, so their fractions are uniform, and independent but for
 * integer relations among nearly parallel vectors of ℤ⁸, which have no measurable effect on a mask
 * (dropout_test.ts). Standard random operators would not do: they draw anew in the backward pass of
 * a recomputation, differ between providers, and take no seed at run time.
 */
export function uniformLike(b: Builder, x: string, { seed, stream }: UniformSource): string {
  const dims = b.type(x)?.dims;
  if (dims === undefined) {
    const flat = b.op("Reshape", [x, b.ints([-1])]);
    b.declare(flat, { dataType: b.dataType(x), dims: [b.freshDim()] });
    return b.op("Reshape", [uniformLike(b, flat, { seed, stream }), b.op("Shape", [x])]);
  }
  const cut = cutOf(dims);
  const keys = keysOf(b, seed);
  // Shared by all streams with as many rows; then two rounds that are the stream's own.
  const early = hash(b, counted(b, x, 0, cut), keys.slice(0, 3).map((k) => row(b, k)), 1);
  const own = b.constant(saltOf(stream, K), DataType.FLOAT, [1, K]);
  const rows = round(b, round(b, early, own), row(b, keys[3]!));
  const columns = hash(b, counted(b, x, cut, dims.length), [4, 5, 6, 7].map((k) => keys[k]!), 0);
  const centre = b.constant([CENTRE], DataType.FLOAT, []);
  const left = b.op("Sub", [rows, centre]);
  const right = b.op("Mul", [
    b.op("Sub", [columns, centre]),
    b.constant([1 / LEVELS], DataType.FLOAT, []),
  ]);
  const products = b.op("MatMul", [left, right]);
  const u = b.op("Sub", [products, b.op("Floor", [products])]);
  return dims.length === 2 ? u : reshapeLike(b, u, x);
}

/** The axis that parts rows from columns: with as few of both together as possible. */
function cutOf(dims: readonly Dim[]): number {
  // A size that is not known is taken for a middling one.
  const size = (list: readonly Dim[]) =>
    list.reduce<number>((a, d) => a * (typeof d === "number" ? d : 64), 1);
  let best = 0;
  const cost = (k: number): number => size(dims.slice(0, k)) + size(dims.slice(k));
  for (let k = 1; k <= dims.length; k++) if (cost(k) < cost(best)) best = k;
  return dims.length === 2 ? 1 : best;
}

/** `0, 1, …` for the elements of the axes from `start` to `end`: a float32 vector. */
function counted(b: Builder, x: string, start: number, end: number) {
  const dims = b.dims(x).slice(start, end);
  const scalar = (value: number) => b.constant([value], DataType.FLOAT, []);
  const size = product(dims);
  const limit = isStatic(dims)
    ? scalar(size as number)
    : b.op("Cast", [b.op("ReduceProd", [b.op("Shape", [x], { start, end })], { keepdims: 0 })], {
      to: DataType.FLOAT,
    });
  const vector = b.op("Range", [scalar(0), limit, scalar(1)]);
  b.declare(vector, { dataType: DataType.FLOAT, dims: [size] });
  return { vector, size };
}

/** `x mod P` for an integer below 2²⁴; −1 and P may stand for their residues, the same everywhere. */
function modulo(b: Builder, x: string): string {
  const whole = b.op("Floor", [b.op("Mul", [x, b.constant([1 / P], DataType.FLOAT, [])])]);
  return b.op("Sub", [x, b.op("Mul", [whole, b.constant([P], DataType.FLOAT, [])])]);
}

/** `s (s + k) + k mod P`: not linear in s, so that rows in arithmetic progression part ways. */
const round = (b: Builder, s: string, key: string): string =>
  modulo(b, b.op("Add", [b.op("Mul", [s, b.op("Add", [s, key])]), key]));

/** The digits of an integer below 2²⁴ to a base that is a power of two, so that both are exact. */
function digits(b: Builder, x: string, base: number): { low: string; high: string } {
  const scalar = (value: number) => b.constant([value], DataType.FLOAT, []);
  const high = b.op("Floor", [b.op("Mul", [x, scalar(1 / base)])]);
  return { high, low: b.op("Sub", [x, b.op("Mul", [high, scalar(base)])]) };
}

/** Hashes of indices by three keys or more: along `axis` 1 a row each, along 0 a column each. */
function hash(
  b: Builder,
  { vector, size }: { vector: string; size: Dim },
  [first, ...rest]: readonly string[],
  axis: 0 | 1,
): string {
  const index = b.op("Unsqueeze", [vector, b.ints([axis])]);
  if (typeof size === "number" && size <= BASE) {
    return rest.reduce((s, key) => round(b, s, key), round(b, index, first!));
  }
  const { low, high } = digits(b, index, BASE);
  // s k + high < P² + 2¹³. (Beyond P · BASE = 5.9 million rows or columns they repeat.)
  const both = b.op("Add", [b.op("Mul", [round(b, low, first!), rest[0]!]), high]);
  return rest.reduce((s, key) => round(b, s, key), modulo(b, both));
}

/** Eight keys, vectors [K, 1] in [0, P), that a seed determines. */
function keysOf(b: Builder, seed: string): string[] {
  const count = 8 * K;
  const salt = saltOf(-1, 6 * count);
  const part = (k: number) =>
    b.constant(salt.slice(k * count, (k + 1) * count), DataType.FLOAT, [count, 1]);
  // Three digits below P, each with factors of its own: of no two seeds are all residues equal.
  const { low, high } = digits(b, seed, 256);
  const { low: middle, high: top } = digits(b, high, 256);
  const [x, y, z] = [low, middle, top].map((d, k) => b.op("Mul", [part(k), d]));
  let s = modulo(b, b.op("Add", [b.op("Add", [x, y]), z]));
  for (let k = 3; k < 6; k++) s = round(b, s, part(k));
  return b.node("Split", [s, b.ints(Array.from({ length: 8 }, () => K))], { axis: 0 }, {
    outputs: 8,
  });
}

/** A key [K, 1] as [1, K]. */
const row = (b: Builder, key: string): string => b.op("Reshape", [key, b.ints([1, K])]);

/** Constants in [0, P): a 32-bit mixing of counters. */
function saltOf(stream: number, length: number): number[] {
  let state = Math.imul(stream + 2, 0x9e3779b9) >>> 0;
  return Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) % P;
  });
}
