/**
 * The inner loops of matrix products as one WebAssembly SIMD module.
 *
 * @module
 */
import * as w from "../lowerings/wasm_encoder.ts";

/** Columns of a tile: two vectors. */
export const tileColumns = 8;
/**
 * Rows of a tile: with eight sums, two vectors of b, an element of a and a product, 12 of the 16
 * vector registers of x86 are in use; wider tiles are no faster there.
 */
const tileRows = 4;
/** Steps of the inner loop that are written out. */
const unroll = 4;

const block = 0x02, loop = 0x03, empty = 0x40, end = 0x0b, br = 0x0c, brIf = 0x0d;
const when = 0x04, otherwise = 0x05;
const add = 0x6a, subtract = 0x6b, multiply = 0x6c, less = 0x48;
const f32x4Add = w.simd(0xe4), f32x4Mul = w.simd(0xe6);
const load = (offset: number) => [...w.simd(0x00), 2, ...w.unsigned(offset)];
const loadSplat = (offset: number) => [...w.simd(0x09), 2, ...w.unsigned(offset)];
const store = (offset: number) => [...w.simd(0x0b), 2, ...w.unsigned(offset)];
const loadOne = (offset: number) => [0x2a, 2, ...w.unsigned(offset)];
const storeOne = (offset: number) => [0x38, 2, ...w.unsigned(offset)];
const zeros = [...w.simd(0x0c), ...new Array(16).fill(0)];
/** A vector of float32 lanes picked from two: 0 to 3 from the first, 4 to 7 from the second. */
const shuffle = (...lanes: readonly number[]) => [
  ...w.simd(0x0d),
  ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
];

const advance = (local: number, bytes: number) => [
  ...[...w.get(local), ...w.int(bytes), add, ...w.set(local)],
];
const advanceBy = (local: number, step: number) => [
  ...[...w.get(local), ...w.get(step), add, ...w.set(local)],
];
const whileAtLeast = (counter: number, step: number, body: readonly number[]) => [
  ...[block, empty, loop, empty],
  ...[...w.get(counter), ...w.int(step), less, brIf, 1],
  ...body,
  ...[...w.get(counter), ...w.int(step), subtract, ...w.set(counter)],
  ...[br, 0, end, end],
];

/** Counts up the locals of a function. */
function locals(params: number) {
  const types: number[] = [];
  return { types, local: (type: number) => params + types.push(type) - 1 };
}

/**
 * `out[i, j] = (from ? out[i, j] : 0) + Σ_p a[i, p] · b[p, j]` for eight columns j, p rising: each product
 * and each sum rounded to float32.
 *
 * Parameters: a, b, out, rows, depth, the bytes between rows of a as it is stored, between rows of b,
 * between rows of out, and from. With `across`, a is stored transposed.
 */
function tiles(name: string, across: boolean): w.WasmFunction {
  const params = new Array(9).fill(w.i32);
  const [a, b, out, rows, depth, aStride, bStride, outStride, from] = params.keys();
  const { types, local } = locals(params.length);
  const p = local(w.i32), pb = local(w.i32);
  const element = local(w.v128);
  const pa = Array.from({ length: tileRows }, () => local(w.i32));
  const po = Array.from({ length: tileRows }, () => local(w.i32));
  const sums = Array.from({ length: 2 * tileRows }, () => local(w.v128));
  const leftB = local(w.v128), rightB = local(w.v128);
  const tile = (height: number) => {
    const each = (f: (row: number) => number[]) =>
      Array.from({ length: height }, (_, r) => f(r)).flat();
    // A stored transposed: its rows lie side by side, and one pointer serves all.
    const step = (k: number) => [
      ...[...w.get(pb), ...load(0), ...w.set(leftB)],
      ...[...w.get(pb), ...load(16), ...w.set(rightB)],
      ...each((r) => [
        ...(across
          ? [...w.get(pa[0]!), ...loadSplat(4 * r)]
          : [...w.get(pa[r]!), ...loadSplat(4 * k)]),
        ...w.set(element),
        ...[leftB, rightB].flatMap((column, c) => [
          ...w.get(sums[2 * r + c]!),
          ...[...w.get(element), ...w.get(column), ...f32x4Mul],
          ...[...f32x4Add, ...w.set(sums[2 * r + c]!)],
        ]),
      ]),
      ...advanceBy(pb, bStride!),
      ...(across ? advanceBy(pa[0]!, aStride!) : []),
    ];
    const steps = (count: number) => [
      ...Array.from({ length: count }, (_, k) => step(k)).flat(),
      ...(across ? [] : each((r) => advance(pa[r]!, 4 * count))),
    ];
    return [
      ...each((r) => [
        ...(r > 0 && across
          ? []
          : r === 0
          ? [...w.get(a!), ...w.set(pa[0]!)]
          : [...w.get(pa[r - 1]!), ...w.get(aStride!), add, ...w.set(pa[r]!)]),
        ...(r === 0
          ? [...w.get(out!), ...w.set(po[0]!)]
          : [...w.get(po[r - 1]!), ...w.get(outStride!), add, ...w.set(po[r]!)]),
      ]),
      ...[...w.get(b!), ...w.set(pb), ...w.get(depth!), ...w.set(p)],
      ...[...w.get(from!), when, empty],
      ...each((r) =>
        [0, 1].flatMap((c) => [...w.get(po[r]!), ...load(16 * c), ...w.set(sums[2 * r + c]!)])
      ),
      otherwise,
      ...each((r) => [0, 1].flatMap((c) => [...zeros, ...w.set(sums[2 * r + c]!)])),
      end,
      ...[unroll, 1].flatMap((count) => whileAtLeast(p, count, steps(count))),
      ...each((r) =>
        [0, 1].flatMap((c) => [...w.get(po[r]!), ...w.get(sums[2 * r + c]!), ...store(16 * c)])
      ),
      ...(across ? advance(a!, 4 * height) : [
        ...[...w.get(a!), ...w.get(aStride!), ...w.int(height), multiply, add, ...w.set(a!)],
      ]),
      ...[...w.get(out!), ...w.get(outStride!), ...w.int(height), multiply, add, ...w.set(out!)],
    ];
  };
  const body = [tileRows, 2, 1].flatMap((height) => whileAtLeast(rows!, height, tile(height)));
  return { name, params, results: [], locals: types, body };
}

/** Copies eight columns of b, as stored, to `to`. Parameters: from, to, depth, bytes between rows. */
function packRows(): w.WasmFunction {
  const [from, to, depth, stride] = [0, 1, 2, 3] as const;
  const body = whileAtLeast(depth, 1, [
    ...[0, 16].flatMap((at) => [...w.get(to), ...w.get(from), ...load(at), ...store(at)]),
    ...[...advanceBy(from, stride), ...advance(to, 32)],
  ]);
  return { name: "packRows", params: new Array(4).fill(w.i32), results: [], locals: [], body };
}

/**
 * Copies eight columns of b, which is stored transposed, to `to`; four of its elements at a time.
 * Parameters: from, to, depth (rounded down to a multiple of 4), bytes between rows as stored.
 */
function packColumns(): w.WasmFunction {
  const [from, to, depth, stride] = [0, 1, 2, 3] as const;
  const { types, local } = locals(4);
  const at = local(w.i32);
  const [x, y] = [0, 1].map(() => Array.from({ length: 4 }, () => local(w.v128))) as [
    number[],
    number[],
  ];
  const half = (k: number) => [
    ...x.flatMap((row) => [
      ...[...w.get(at), ...load(0), ...w.set(row)],
      ...advanceBy(at, stride),
    ]),
    // Pairs of rows interleaved, then pairs of pairs.
    ...[[0, 1], [2, 3]].flatMap(([i, j]) => [
      ...[...w.get(x[i!]!), ...w.get(x[j!]!), ...shuffle(0, 4, 1, 5), ...w.set(y[i!]!)],
      ...[...w.get(x[i!]!), ...w.get(x[j!]!), ...shuffle(2, 6, 3, 7), ...w.set(y[j!]!)],
    ]),
    ...[[0, 2], [1, 3]].flatMap(([i, j], pair) => [
      ...[...w.get(to), ...w.get(y[i!]!), ...w.get(y[j!]!), ...shuffle(0, 1, 4, 5)],
      ...store(64 * pair + 16 * k),
      ...[...w.get(to), ...w.get(y[i!]!), ...w.get(y[j!]!), ...shuffle(2, 3, 6, 7)],
      ...store(64 * pair + 32 + 16 * k),
    ]),
  ];
  const body = whileAtLeast(depth, 4, [
    ...[...w.get(from), ...w.set(at), ...half(0), ...half(1)],
    ...[...advance(from, 16), ...advance(to, 128)],
  ]);
  return {
    name: "packColumns",
    params: new Array(4).fill(w.i32),
    results: [],
    locals: types,
    body,
  };
}

/**
 * Copies a matrix element by element. Parameters: from, to, rows, columns, then bytes between rows and
 * between columns of `from`, and of `to`.
 */
function copy(): w.WasmFunction {
  const params = new Array(8).fill(w.i32);
  const [from, to, rows, columns, fromRow, fromColumn, toRow, toColumn] = params.keys();
  const { types, local } = locals(params.length);
  const source = local(w.i32), target = local(w.i32), left = local(w.i32);
  const body = whileAtLeast(rows!, 1, [
    ...[...w.get(from!), ...w.set(source), ...w.get(to!), ...w.set(target)],
    ...[...w.get(columns!), ...w.set(left)],
    ...whileAtLeast(left, 1, [
      ...[...w.get(target), ...w.get(source), ...loadOne(0), ...storeOne(0)],
      ...[...advanceBy(source, fromColumn!), ...advanceBy(target, toColumn!)],
    ]),
    ...[...advanceBy(from!, fromRow!), ...advanceBy(to!, toRow!)],
  ]);
  return { name: "copy", params, results: [], locals: types, body };
}

/** The exports of the module; what they do stands above the functions here. */
export interface ProductExports {
  tilesDown(...args: readonly number[]): void;
  tilesAcross(...args: readonly number[]): void;
  packRows(from: number, to: number, depth: number, stride: number): void;
  packColumns(from: number, to: number, depth: number, stride: number): void;
  copy(...args: readonly number[]): void;
}

/** The bytes of the module, which imports `env.memory`. */
export function productModule(sharedMemory = false): Uint8Array<ArrayBuffer> {
  return w.encodeModule(
    [tiles("tilesDown", false), tiles("tilesAcross", true), packRows(), packColumns(), copy()],
    0,
    sharedMemory,
  );
}
