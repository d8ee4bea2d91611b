/**
 * Steps of random graphs that take and put by index, in places that repeat and count from the end.
 *
 * @module
 */
import { DataType } from "../../model/data_type.ts";
import {
  axisOf,
  type Choice,
  type Dims,
  type Drawing,
  fed,
  ints,
  LARGEST,
  product,
  put,
  type Step,
  stored,
} from "./drawing.ts";

const { INT64 } = DataType;

/** Indices below `n`, or from −n on. */
const places = (d: Drawing, dims: Dims, c: Choice, below: (k: number) => number) =>
  stored(d, {
    dims,
    data: Array.from({ length: product(dims) }, (_, k) => {
      const n = below(k);
      return (c.how + k * (1 + c.with % 7)) % (2 * n) - n;
    }),
    type: INT64,
  });

const gathered: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const axis = axisOf(x.dims, c);
  const n = x.dims[axis]!;
  // Repeated, and counted from the end.
  const indices = ints(d, c.with % n, -1, c.with % n);
  const dims = x.dims.map((m, k) => k === axis ? 3 : m);
  if (product(dims) <= LARGEST) put(d, "Gather", [x.name, indices], dims, { axis });
};

const gatheredElements: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const axis = axisOf(x.dims, c);
  const dims = x.dims.map((n, k) => k === axis ? 1 + c.with % 4 : n);
  if (product(dims) > LARGEST) return;
  const indices = places(d, dims, c, () => x.dims[axis]!);
  put(d, "GatherElements", [x.name, indices], dims, { axis });
};

const gatheredPoints: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const depth = 1 + c.how % x.dims.length;
  const dims = [1 + c.with % 3, ...x.dims.slice(depth)];
  if (product(dims) > LARGEST) return;
  const indices = places(d, [dims[0]!, depth], c, (k) => x.dims[k % depth]!);
  put(d, "GatherND", [x.name, indices], dims);
};

/** Where indices repeat the result of replacing would depend on their order. */
const reductions = ["add", "mul"] as const;

const putElements: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const axis = axisOf(x.dims, c);
  const dims = x.dims.map((n, k) => k === axis ? 1 + c.with % 4 : n);
  if (product(dims) > LARGEST) return;
  const indices = places(d, dims, c, () => x.dims[axis]!);
  const reduction = dims[axis] === 1 && c.of % 2 === 0 ? "none" : reductions[c.of % 3 % 2]!;
  put(d, "ScatterElements", [x.name, indices, fed(d, dims)], x.dims, { axis, reduction });
};

const putPoints: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const depth = 1 + c.how % x.dims.length;
  const count = 1 + c.with % 3;
  const indices = places(d, [count, depth], c, (k) => x.dims[k % depth]!);
  const reduction = count === 1 && c.of % 2 === 0 ? "none" : reductions[c.of % 3 % 2]!;
  const updates = fed(d, [count, ...x.dims.slice(depth)]);
  put(d, "ScatterND", [x.name, indices, updates], x.dims, { reduction });
};

/** Steps by index. */
export const indices: readonly Step[] = [
  gathered,
  gatheredElements,
  gatheredPoints,
  putElements,
  putPoints,
];
