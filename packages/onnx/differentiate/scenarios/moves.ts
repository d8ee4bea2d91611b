/**
 * Steps of random graphs that move numbers: shapes, parts and indices.
 *
 * @module
 */
import { DataType } from "../../model/data_type.ts";
import { makeNode } from "../../_testing.ts";
import {
  axisOf,
  broadcast,
  ints,
  LARGEST,
  partner,
  product,
  put,
  type Step,
  stored,
} from "./drawing.ts";

const { BOOL, INT64 } = DataType;

const transposed: Step = (d, x, c) => {
  const perm = x.dims.map((_, k) => k);
  for (let k = perm.length - 1; k > 0; k--) {
    const j = (c.how + k * c.with) % (k + 1);
    [perm[k], perm[j]] = [perm[j]!, perm[k]!];
  }
  put(d, "Transpose", [x.name], perm.map((k) => x.dims[k]!), { perm });
};

const reshaped: Step = (d, x, c) => {
  const size = product(x.dims);
  const factors = [1, 2, 3, 4, 6].filter((n) => size % n === 0);
  const first = factors[c.how % factors.length]!;
  const rest = size / first;
  const [target, dims]: [number[], number[]] = [
    [[first, -1], [first, rest]],
    [[-1], [size]],
    [[-1, 1, first], [rest, 1, first]],
  ][c.with % 3] as [number[], number[]];
  put(d, "Reshape", [x.name, ints(d, ...target)], dims);
};

const concat: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const axis = axisOf(x.dims, c);
  const fits = d.values.filter(({ dims }) =>
    dims.length === x.dims.length && dims.every((n, k) => k === axis || n === x.dims[k])
  );
  const y = fits[c.with % fits.length]!;
  const dims = x.dims.map((n, k) => k === axis ? n + y.dims[k]! : n);
  if (product(dims) > LARGEST) return;
  put(d, "Concat", [x.name, y.name], dims, { axis: c.with % 2 === 0 ? axis : axis - dims.length });
};

const sliced: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const axis = axisOf(x.dims, c);
  const n = x.dims[axis]!;
  const [start, end, step] = [
    [0, n - 1, 1],
    [1, 1000, 1],
    [-1, -1000, -1],
    [0, n, 2],
    [n, -n - 1, -2],
  ][c.with % 5] as [number, number, number];
  const taken = [
    n - 1,
    n - 1,
    n,
    Math.ceil(n / 2),
    Math.ceil(n / 2),
  ][c.with % 5]!;
  if (taken === 0) return;
  const bounds = [[start], [end], [axis], [step]].map((v) => ints(d, ...v));
  put(d, "Slice", [x.name, ...bounds], x.dims.map((m, k) => k === axis ? taken : m));
};

const split: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const axis = axisOf(x.dims, c);
  const n = x.dims[axis]!;
  if (n < 2) return;
  const first = 1 + c.with % (n - 1);
  const names = [`v${d.values.length}`, `v${d.values.length + 1}`];
  d.nodes.push(makeNode("Split", [x.name, ints(d, first, n - first)], names, { axis }));
  names.forEach((name, j) => {
    const size = j === 0 ? first : n - first;
    d.values.push({ name, dims: x.dims.map((m, k) => k === axis ? size : m) });
  });
};

const padded: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const mode = ["constant", "constant", "edge", "reflect", "wrap"][c.with % 5]!;
  // No more than reflection has to give.
  const most = (n: number, bit: number) => mode === "reflect" && n === 1 ? 0 : bit;
  const before = x.dims.map((n, k) => most(n, (c.how >> k) % 2));
  const after = x.dims.map((n, k) => most(n, (c.how >> k + 2) % 2));
  const dims = x.dims.map((n, k) => n + before[k]! + after[k]!);
  if (product(dims) > LARGEST) return;
  put(d, "Pad", [x.name, ints(d, ...before, ...after)], dims, { mode });
};

const chosen: Step = (d, x, c) => {
  const y = partner(d, x.dims, c);
  const dims = broadcast(x.dims, y.dims)!;
  const data = Array.from({ length: product(dims) }, (_, k) => (c.how >> k % 5) % 2);
  const condition = stored(d, { dims, data, type: BOOL });
  put(d, "Where", [condition, x.name, y.name], dims);
};

const expanded: Step = (d, x, c) => {
  const dims = [1 + c.how % 2, ...x.dims.map((n) => n === 1 ? 1 + c.with % 2 : n)];
  if (product(dims) <= LARGEST) put(d, "Expand", [x.name, ints(d, ...dims)], dims);
};

const unsqueezed: Step = (d, x, c) => {
  const at = c.how % (x.dims.length + 1);
  if (x.dims.length > 3) return;
  const dims = [...x.dims.slice(0, at), 1, ...x.dims.slice(at)];
  put(d, "Unsqueeze", [x.name, ints(d, at)], dims);
};

const squeezed: Step = (d, x) => {
  put(d, "Squeeze", [x.name], x.dims.filter((n) => n !== 1));
};

const tiled: Step = (d, x, c) => {
  const repeats = x.dims.map((_, k) => 1 + (c.how >> k) % 2);
  const dims = x.dims.map((n, k) => n * repeats[k]!);
  if (x.dims.length > 0 && product(dims) <= LARGEST) {
    put(d, "Tile", [x.name, ints(d, ...repeats)], dims);
  }
};

const flattened: Step = (d, x, c) => {
  const axis = c.how % (x.dims.length + 1);
  const dims = [product(x.dims.slice(0, axis)), product(x.dims.slice(axis))];
  put(d, "Flatten", [x.name], dims, { axis });
};

const triangle: Step = (d, x, c) => {
  if (x.dims.length < 2) return;
  const k = stored(d, { dims: [], data: [c.with % 3 - 1], type: INT64 });
  put(d, "Trilu", [x.name, k], x.dims, { upper: c.how % 2 });
};

/** `[n, 4, h, w]` from all of the elements where these are enough, and back. */
const blocks: Step = (d, x, c) => {
  const size = product(x.dims);
  if (size % 4 !== 0) return;
  const deep = [1, 4, 1, size / 4];
  put(d, "Reshape", [x.name, ints(d, ...deep)], deep);
  const mode = c.how % 2 === 0 ? "DCR" : "CRD";
  put(d, "DepthToSpace", [d.values.at(-1)!.name], [1, 1, 2, size / 2], { blocksize: 2, mode });
  if (c.with % 2 === 0) {
    put(d, "SpaceToDepth", [d.values.at(-1)!.name], deep, { blocksize: 2 });
  }
};

/** Steps that move numbers. */
export const moves: readonly Step[] = [
  transposed,
  reshaped,
  concat,
  sliced,
  split,
  padded,
  chosen,
  expanded,
  unsqueezed,
  squeezed,
  tiled,
  flattened,
  triangle,
  blocks,
];
