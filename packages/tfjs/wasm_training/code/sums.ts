/** @module */
import { wasmEncoder as w } from "@precond/core/backend";
import {
  add,
  addDoubles,
  addVectors,
  advance,
  type Code,
  demote,
  doubles,
  floats,
  load,
  loadDoubles,
  loadInt,
  loadPair,
  mul,
  promoteLow,
  put,
  store,
  storeDoubles,
  wasmFunction,
  zeros,
} from "./_assembler.ts";

const counted = (n: number) => Array.from({ length: n }, (_, i) => i);
const highToLow = (x: Code): Code => [
  ...[...x, ...x],
  ...w.simd(0x0d),
  ...[8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0],
];
/** Two float64 over an integer. */
const over = (x: Code, count: Code): Code => [
  ...[...x, ...count, 0xb8], // f64.convert_i32_u
  ...w.simd(0x14), // f64x2.splat
  ...w.simd(0xf3), // f64x2.div
];

/**
 * `out[a, b] = Σ_k x[a, k, b] / divisor`, summed in float64: a million terms of float32 lose a
 * percent. Where `inner` is 1, lanes are terms, else columns.
 */
export const sum: w.WasmFunction = wasmFunction(
  "sum",
  ["x", "out", "outer", "terms", "inner", "divisor"],
  (f) => {
    const { args: a } = f;
    const n = f.local(), k = f.local(), b = f.local(), p = f.local(), q = f.local();
    const sums = counted(4).map(() => f.local(w.v128)), v = f.local(w.v128);
    const sumsFrom = (all: readonly number[], zero: Code) => all.flatMap((s) => put(s, zero));
    const accumulate = (s: number, x: Code): Code => put(s, addDoubles(w.get(s), promoteLow(x)));
    const both = (low: number, high: number, offset: number): Code => [
      ...put(v, load(w.get(p), offset)),
      ...accumulate(low, w.get(v)),
      ...accumulate(high, highToLow(w.get(v))),
    ];
    const [s0, s1, s2, s3] = sums as [number, number, number, number];
    const total = addDoubles(
      addDoubles(w.get(s0), w.get(s1)),
      addDoubles(w.get(s2), w.get(s3)),
    );
    const row: Code = [
      ...sumsFrom(sums, zeros),
      ...f.loop(k, a.terms, [
        ...both(s0, s1, 0),
        ...both(s2, s3, 16),
        ...advance(p, w.int(32)),
      ], { from: w.int(0), width: 8 }),
      ...f.loop(k, a.terms, [
        ...accumulate(s0, load(w.get(p), 0, 1)),
        ...advance(p, w.int(4)),
      ]),
      ...put(v, total),
      ...put(v, addDoubles(w.get(v), highToLow(w.get(v)))),
      ...store(w.get(q), demote(over(w.get(v), a.divisor)), 0, 1),
      ...advance(q, w.int(4)),
    ];
    const columns = (width: 1 | 4, vectors: number): Code => {
      const used = width === 1 ? [s0] : sums.slice(0, 2 * vectors);
      return [
        ...put(p, add(a.x, floats(add(mul(mul(w.get(n), a.terms), a.inner), w.get(b))))),
        ...sumsFrom(used, zeros),
        ...f.loop(k, a.terms, [
          ...(width === 1
            ? accumulate(s0, load(w.get(p), 0, 1))
            : counted(vectors).flatMap((i) => both(used[2 * i]!, used[2 * i + 1]!, 16 * i))),
          ...advance(p, floats(a.inner)),
        ], { from: w.int(0) }),
        ...put(q, add(a.out, floats(add(mul(w.get(n), a.inner), w.get(b))))),
        ...used.flatMap((s, i) => {
          const low = demote(over(w.get(s), a.divisor));
          return width === 1 ? store(w.get(q), low, 0, 1) : [
            ...[...w.get(q), ...low, ...w.simd(0x5b), 2, ...w.unsigned(8 * i), 0], // v128.store64_lane
          ];
        }),
      ];
    };
    return [
      ...[...a.inner, ...w.int(1), 0x46, 0x04, 0x40], // if inner = 1
      ...put(p, a.x),
      ...put(q, a.out),
      ...f.loop(n, a.outer, row, { from: w.int(0) }),
      0x05, // else
      ...f.loop(n, a.outer, [
        ...f.loop(b, a.inner, columns(4, 2), { from: w.int(0), width: 8 }),
        ...f.loop(b, a.inner, columns(4, 1), { width: 4 }),
        ...f.loop(b, a.inner, columns(1, 1)),
      ], { from: w.int(0) }),
      0x0b,
    ];
  },
);

const segmentParams = ["x", "ids", "out", "rows", "batch", "size", "segments"] as const;

/** Adds each row whose segment is one of `segments`; others are left out. */
function segmentSum(
  name: string,
  bytes: (count: Code) => Code,
  row: (f: {
    loop(to: Code, width: number, start: boolean, body: Code): Code;
    readonly p: number;
    readonly q: number;
  }, size: Code) => Code,
): w.WasmFunction {
  return wasmFunction(name, segmentParams, (f) => {
    const { args: a } = f;
    const r = f.local(), k = f.local(), id = f.local(), p = f.local(), q = f.local();
    const loop = (to: Code, width: number, start: boolean, body: Code) =>
      f.loop(k, to, body, { ...(start ? { from: w.int(0) } : {}), width });
    // The row's place along the axes of `ids` after the first, which the output keeps.
    const within: Code = [...w.get(r), ...a.batch, 0x6f]; // i32.rem_s
    return [
      ...put(p, a.x),
      ...f.loop(r, a.rows, [
        ...put(id, loadInt(add(a.ids, floats(w.get(r))))),
        ...put(q, add(a.out, bytes(mul(add(mul(w.get(id), a.batch), within), a.size)))),
        // As an unsigned number a negative id is out of range, too.
        ...[...w.get(id), ...a.segments, 0x49, 0x04, 0x40], // if i32.lt_u
        ...row({ loop, p, q }, a.size),
        0x05, // else
        ...advance(p, floats(a.size)),
        0x0b,
      ], { from: w.int(0) }),
    ];
  });
}

/** `out[ids[r], …] += x[r, …]` in float32. */
export const addRows: w.WasmFunction = segmentSum("addRows", floats, ({ loop, p, q }, size) => {
  const step = (width: 1 | 4): Code => [
    ...store(w.get(q), addVectors(load(w.get(q), 0, width), load(w.get(p), 0, width)), 0, width),
    ...advance(p, w.int(4 * width)),
    ...advance(q, w.int(4 * width)),
  ];
  return [...loop(size, 4, true, step(4)), ...loop(size, 1, false, step(1))];
});

/** The same with `out` in float64, for so many rows that float32 would lose digits. */
export const addRowsExactly: w.WasmFunction = segmentSum(
  "addRowsExactly",
  doubles,
  ({ loop, p, q }, size) => [
    ...loop(size, 2, true, [
      ...storeDoubles(
        w.get(q),
        addDoubles(loadDoubles(w.get(q)), promoteLow(loadPair(w.get(p)))),
      ),
      ...advance(p, w.int(8)),
      ...advance(q, w.int(16)),
    ]),
    ...loop(size, 1, false, [
      ...[...w.get(q), ...w.get(q), 0x2b, 3, 0, ...w.get(p), 0x2a, 2, 0, 0xbb], // f64 + f32
      ...[0xa0, 0x39, 3, 0],
      ...advance(p, w.int(4)),
      ...advance(q, w.int(8)),
    ]),
  ],
);

/** `out = x` from float64 to float32. */
export const narrow: w.WasmFunction = wasmFunction("narrow", ["x", "out", "size"], (f) => {
  const { args: a } = f;
  const k = f.local(), p = f.local(), q = f.local();
  return [
    ...put(p, a.x),
    ...put(q, a.out),
    ...f.loop(k, a.size, [
      ...[...w.get(q), ...w.get(p), 0x2b, 3, 0, 0xb6, 0x38, 2, 0],
      ...advance(p, w.int(8)),
      ...advance(q, w.int(4)),
    ], { from: w.int(0) }),
  ];
});
