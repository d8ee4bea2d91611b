/** @module */
import { wasmEncoder as w } from "@precond/core/backend";
import {
  add,
  addVectors,
  advance,
  type Code,
  floats,
  load,
  loadSplat,
  mul,
  mulVectors,
  put,
  store,
  wasmFunction,
  zeros,
} from "./_assembler.ts";

const counted = (n: number) => Array.from({ length: n }, (_, i) => i);

/**
 * `dw[c, m] += Σ x[n, i, j, c] dy[n, i, j, c, m]`: one tap of a depthwise filter's gradient. Lanes are
 * channels where each has one filter (m = 0), else filters.
 */
function filterGradient(name: string, multiplied: boolean): w.WasmFunction {
  return wasmFunction(name, [
    ...["x", "dy", "dw", "images", "rows", "columns", "channels", "multiplier"] as const,
    ...["xImage", "xRow", "xColumn", "dImage", "dRow", "dColumn"] as const,
  ], (f) => {
    const { args: a } = f;
    const n = f.local(), c = f.local(), m = f.local(), i = f.local(), j = f.local();
    const px = f.local(), pd = f.local(), q = f.local();
    const sums = counted(4).map(() => f.local(w.v128));
    const filter = multiplied ? add(mul(w.get(c), a.multiplier), w.get(m)) : w.get(c);
    const tile = (vectors: number, width: 1 | 4): Code => [
      ...counted(vectors).flatMap((v) => put(sums[v]!, zeros)),
      ...f.loop(i, a.rows, [
        ...put(px, add(a.x, mul(w.get(n), a.xImage), mul(w.get(i), a.xRow), floats(w.get(c)))),
        ...put(pd, add(a.dy, mul(w.get(n), a.dImage), mul(w.get(i), a.dRow), floats(filter))),
        ...f.loop(j, a.columns, [
          ...counted(vectors).flatMap((v) => {
            const x = multiplied ? loadSplat(w.get(px)) : load(w.get(px), 16 * v, width);
            const product = mulVectors(x, load(w.get(pd), 16 * v, width));
            return put(sums[v]!, addVectors(w.get(sums[v]!), product));
          }),
          ...advance(px, a.xColumn),
          ...advance(pd, a.dColumn),
        ], { from: w.int(0) }),
      ], { from: w.int(0) }),
      ...put(q, add(a.dw, floats(filter))),
      ...counted(vectors).flatMap((v) =>
        store(
          w.get(q),
          addVectors(load(w.get(q), 16 * v, width), w.get(sums[v]!)),
          16 * v,
          width,
        )
      ),
    ];
    const lanes = (counter: number, count: Code): Code => [
      ...f.loop(counter, count, tile(4, 4), { from: w.int(0), width: 16 }),
      ...f.loop(counter, count, tile(1, 4), { width: 4 }),
      ...f.loop(counter, count, tile(1, 1)),
    ];
    return f.loop(
      n,
      a.images,
      multiplied
        ? f.loop(c, a.channels, lanes(m, a.multiplier), { from: w.int(0) })
        : lanes(c, a.channels),
      { from: w.int(0) },
    );
  });
}

/** One filter a channel. */
export const depthwiseFilter: w.WasmFunction = filterGradient("depthwiseFilter", false);
/** Several filters a channel. */
export const depthwiseFilters: w.WasmFunction = filterGradient("depthwiseFilters", true);

/**
 * `dx[i, j, c] += Σ_m dy[i, j, c, m] w[c, m]`: one tap of the gradient by the input of a depthwise
 * convolution, on one image. Lanes are channels where each has one filter; several are summed in one
 * lane.
 */
export const depthwiseInput: w.WasmFunction = wasmFunction("depthwiseInput", [
  ...["dy", "w", "dx", "rows", "columns", "channels", "multiplier"] as const,
  ...["dRow", "dColumn", "xRow", "xColumn"] as const,
], (f) => {
  const { args: a } = f;
  const i = f.local(), j = f.local(), c = f.local(), m = f.local();
  const pd = f.local(), px = f.local(), p = f.local(), pw = f.local();
  const weights = f.local(w.v128), sum = f.local(w.v128);
  const start = (filter: Code): Code => [
    ...put(pd, add(a.dy, mul(w.get(i), a.dRow), floats(filter))),
    ...put(px, add(a.dx, mul(w.get(i), a.xRow), floats(w.get(c)))),
  ];
  const next: Code = [...advance(pd, a.dColumn), ...advance(px, a.xColumn)];
  const single = (width: 1 | 4): Code => [
    ...put(weights, load(add(a.w, floats(w.get(c))), 0, width)),
    ...start(w.get(c)),
    ...f.loop(j, a.columns, [
      ...store(
        w.get(px),
        addVectors(
          load(w.get(px), 0, width),
          mulVectors(load(w.get(pd), 0, width), w.get(weights)),
        ),
        0,
        width,
      ),
      ...next,
    ], { from: w.int(0) }),
  ];
  const several: Code = [
    ...start(mul(w.get(c), a.multiplier)),
    ...f.loop(j, a.columns, [
      ...put(sum, load(w.get(px), 0, 1)),
      ...put(p, w.get(pd)),
      ...put(pw, add(a.w, floats(mul(w.get(c), a.multiplier)))),
      ...f.loop(m, a.multiplier, [
        ...put(
          sum,
          addVectors(w.get(sum), mulVectors(load(w.get(p), 0, 1), load(w.get(pw), 0, 1))),
        ),
        ...advance(p, w.int(4)),
        ...advance(pw, w.int(4)),
      ], { from: w.int(0) }),
      ...store(w.get(px), w.get(sum), 0, 1),
      ...next,
    ], { from: w.int(0) }),
  ];
  return f.loop(i, a.rows, [
    ...[...a.multiplier, ...w.int(1), 0x46, 0x04, 0x40], // if multiplier = 1
    ...f.loop(c, a.channels, single(4), { from: w.int(0), width: 4 }),
    ...f.loop(c, a.channels, single(1)),
    0x05, // else
    ...f.loop(c, a.channels, several, { from: w.int(0) }),
    0x0b,
  ], { from: w.int(0) });
});
