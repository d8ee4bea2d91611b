/** @module */
import { wasmEncoder as w } from "@precond/core/backend";
import {
  add,
  addVectors,
  advance,
  type Code,
  floats,
  load,
  loadInt,
  loadSplat,
  mul,
  mulVectors,
  put,
  store,
  wasmFunction,
  zeros,
} from "./_assembler.ts";

/**
 * `dw[c, o] += Σ x[n, i, j, c] dy[n, i, j, o]`: one tap of a filter's gradient, a matrix product over
 * all places where the tap lies on the image.
 *
 * Four channels by eight filters stay in registers over the places of one image; the images' sums
 * are added, so that rounding grows with the places of an image, not with those of the batch.
 */
export const outer: w.WasmFunction = wasmFunction("outer", [
  ...["x", "dy", "dw", "images", "rows", "columns", "channels", "filters"] as const,
  ...["xImage", "xRow", "xColumn", "dImage", "dRow", "dColumn"] as const,
], (f) => {
  const { args: a } = f;
  const n = f.local(), c = f.local(), o = f.local(), i = f.local(), j = f.local();
  const px = f.local(), pd = f.local(), q = f.local();
  const sums = Array.from({ length: 8 }, () => f.local(w.v128));
  const d = [f.local(w.v128), f.local(w.v128)], s = f.local(w.v128);

  const tile = (channels: number, vectors: number, width: 1 | 4): Code => {
    const each = (code: (k: number, v: number, sum: number) => Code): Code =>
      Array.from({ length: channels }, (_, k) => k).flatMap((k) =>
        Array.from({ length: vectors }, (_, v) => v).flatMap((v) => code(k, v, sums[2 * k + v]!))
      );
    const own = (array: Code, image: Code, row: Code, element: Code) =>
      add(array, mul(w.get(n), image), mul(w.get(i), row), floats(element));
    return [
      ...each((_, __, sum) => put(sum, zeros)),
      ...f.loop(i, a.rows, [
        ...put(px, own(a.x, a.xImage, a.xRow, w.get(c))),
        ...put(pd, own(a.dy, a.dImage, a.dRow, w.get(o))),
        ...f.loop(j, a.columns, [
          ...d.slice(0, vectors).flatMap((v, k) => put(v, load(w.get(pd), 16 * k, width))),
          ...Array.from({ length: channels }, (_, k) => k).flatMap((k) => [
            ...put(s, loadSplat(w.get(px), 4 * k)),
            ...d.slice(0, vectors).flatMap((v, m) =>
              put(
                sums[2 * k + m]!,
                addVectors(w.get(sums[2 * k + m]!), mulVectors(w.get(s), w.get(v))),
              )
            ),
          ]),
          ...advance(px, a.xColumn),
          ...advance(pd, a.dColumn),
        ], { from: w.int(0) }),
      ], { from: w.int(0) }),
      ...Array.from({ length: channels }, (_, k) => k).flatMap((k) => [
        ...put(
          q,
          add(a.dw, floats(add(mul(add(w.get(c), w.int(k)), a.filters), w.get(o)))),
        ),
        ...Array.from({ length: vectors }, (_, v) => v).flatMap((v) =>
          store(
            w.get(q),
            addVectors(load(w.get(q), 16 * v, width), w.get(sums[2 * k + v]!)),
            16 * v,
            width,
          )
        ),
      ]),
    ];
  };
  const filters = (channels: number): Code => [
    ...f.loop(o, a.filters, tile(channels, 2, 4), { from: w.int(0), width: 8 }),
    ...f.loop(o, a.filters, tile(channels, 1, 4), { width: 4 }),
    ...f.loop(o, a.filters, tile(channels, 1, 1)),
  ];
  return f.loop(n, a.images, [
    ...f.loop(c, a.channels, filters(4), { from: w.int(0), width: 4 }),
    ...f.loop(c, a.channels, filters(1)),
  ], { from: w.int(0) });
});

/**
 * `dx[i, j, c] += Σ_o dy[i, j, o] w[o, c]`: one tap of an input's gradient on one image. Four places
 * by eight channels stay in registers.
 */
export const spread: w.WasmFunction = wasmFunction("spread", [
  ...["dy", "w", "dx", "rows", "columns", "filters", "channels"] as const,
  ...["dRow", "dColumn", "xRow", "xColumn"] as const,
], (f) => {
  const { args: a } = f;
  const i = f.local(), j = f.local(), c = f.local(), o = f.local();
  const pw = f.local(), wRow = f.local();
  const pd = Array.from({ length: 4 }, () => f.local());
  const px = Array.from({ length: 4 }, () => f.local());
  const sums = Array.from({ length: 8 }, () => f.local(w.v128));
  const weights = [f.local(w.v128), f.local(w.v128)], s = f.local(w.v128);

  const tile = (places: number, vectors: number, width: 1 | 4): Code => {
    const counted = (k: number) => Array.from({ length: k }, (_, i) => i);
    const each = (code: (p: number, v: number) => Code): Code =>
      counted(places).flatMap((p) => counted(vectors).flatMap((v) => code(p, v)));
    return [
      ...counted(places).flatMap((p) => {
        const place = add(w.get(j), w.int(p));
        return [
          ...put(pd[p]!, add(a.dy, mul(w.get(i), a.dRow), mul(place, a.dColumn))),
          ...put(
            px[p]!,
            add(a.dx, mul(w.get(i), a.xRow), mul(place, a.xColumn), floats(w.get(c))),
          ),
        ];
      }),
      ...put(pw, add(a.w, floats(w.get(c)))),
      ...each((p, v) => put(sums[2 * p + v]!, load(w.get(px[p]!), 16 * v, width))),
      ...f.loop(o, a.filters, [
        ...counted(vectors).flatMap((v) => put(weights[v]!, load(w.get(pw), 16 * v, width))),
        ...counted(places).flatMap((p) => [
          ...put(s, loadSplat(w.get(pd[p]!))),
          ...counted(vectors).flatMap((v) =>
            put(
              sums[2 * p + v]!,
              addVectors(w.get(sums[2 * p + v]!), mulVectors(w.get(s), w.get(weights[v]!))),
            )
          ),
          ...advance(pd[p]!, w.int(4)),
        ]),
        ...advance(pw, w.get(wRow)),
      ], { from: w.int(0) }),
      ...each((p, v) => store(w.get(px[p]!), w.get(sums[2 * p + v]!), 16 * v, width)),
    ];
  };
  const channels = (places: number): Code => [
    ...f.loop(c, a.channels, tile(places, 2, 4), { from: w.int(0), width: 8 }),
    ...f.loop(c, a.channels, tile(places, 1, 4), { width: 4 }),
    ...f.loop(c, a.channels, tile(places, 1, 1)),
  ];
  return [
    ...put(wRow, floats(a.channels)),
    ...f.loop(i, a.rows, [
      ...f.loop(j, a.columns, channels(4), { from: w.int(0), width: 4 }),
      ...f.loop(j, a.columns, channels(1)),
    ], { from: w.int(0) }),
  ];
});

/** `to[t, o, c] = from[t, c, o]`, t going backwards with a negative `toTap`. */
export const turn: w.WasmFunction = wasmFunction(
  "turn",
  ["from", "to", "taps", "channels", "filters", "toTap"],
  (f) => {
    const { args: a } = f;
    const t = f.local(), c = f.local(), o = f.local(), p = f.local(), q = f.local();
    return [
      ...put(p, a.from),
      ...f.loop(
        t,
        a.taps,
        f.loop(c, a.channels, [
          ...put(q, add(a.to, mul(w.get(t), a.toTap), floats(w.get(c)))),
          ...f.loop(o, a.filters, [
            ...w.get(q),
            ...loadInt(w.get(p)),
            ...[0x36, 2, 0], // i32.store: only bits are moved
            ...advance(p, w.int(4)),
            ...advance(q, floats(a.channels)),
          ], { from: w.int(0) }),
        ], { from: w.int(0) }),
        { from: w.int(0) },
      ),
    ];
  },
);

/** Fills with zeros. */
export const clear: w.WasmFunction = wasmFunction(
  "clear",
  ["to", "bytes"],
  ({ args: a }) => [...a.to, ...w.int(0), ...a.bytes, 0xfc, 0x0b, 0], // memory.fill
);
