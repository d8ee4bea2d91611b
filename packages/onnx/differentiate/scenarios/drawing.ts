/**
 * Random small graphs: how they grow.
 *
 * @module
 */
import { DataType } from "../../model/data_type.ts";
import type { NodeProto } from "../../proto/onnx_pb.ts";
import { makeNode, normal, type Value } from "../../_testing.ts";

export type Dims = readonly number[];
export const product = (dims: Dims): number => dims.reduce((a, b) => a * b, 1);
export const total = (values: Dims): number => values.reduce((a, b) => a + b, 0);

/** What a step may read: numbers that choose, whatever their range. */
export interface Choice {
  readonly kind: number;
  readonly of: number;
  readonly with: number;
  readonly how: number;
}

/** A graph while it is drawn: every value has a known shape. */
export interface Drawing {
  readonly nodes: NodeProto[];
  readonly inputs: Record<string, Value>;
  readonly initializers: Record<string, Value>;
  /** Values in the order in which they are made. */
  readonly values: { readonly name: string; readonly dims: Dims }[];
}

export type Step = (d: Drawing, x: { name: string; dims: Dims }, c: Choice) => void;

export const put = (
  d: Drawing,
  opType: string,
  inputs: readonly string[],
  dims: Dims,
  attributes: Parameters<typeof makeNode>[3] = {},
): void => {
  const name = `v${d.values.length}`;
  d.nodes.push(makeNode(opType, inputs, [name], attributes));
  d.values.push({ name, dims });
};

export const stored = (d: Drawing, value: Value): string => {
  const name = `k${Object.keys(d.initializers).length}`;
  d.initializers[name] = value;
  return name;
};
export const ints = (d: Drawing, ...data: number[]): string =>
  stored(d, { dims: [data.length], data, type: DataType.INT64 });

/** A new input in a shape: a parameter. */
export const fed = (d: Drawing, dims: Dims): string => {
  const name = `p${Object.keys(d.inputs).length}`;
  // Small: a graph of products of products must not grow beyond what differences can resolve.
  d.inputs[name] = normal(100 + Object.keys(d.inputs).length, dims, (x) => 0.7 * Math.tanh(x));
  return name;
};

/** An earlier value that broadcasts with `x`, or a new one that does. */
export function partner(d: Drawing, x: Dims, c: Choice): { name: string; dims: Dims } {
  const fits = d.values.filter(({ dims }) => broadcast(x, dims) !== undefined);
  const found = fits[c.with % (fits.length + 1)];
  if (found !== undefined) return found;
  // Axes that the bits of `how` choose are stretched; leading ones may be missing.
  const own = x.map((n, k) => (c.how >> k) % 2 === 0 ? n : 1).slice(c.with % (x.length + 1));
  return { name: fed(d, own), dims: own };
}

export function broadcast(x: Dims, y: Dims): Dims | undefined {
  const rank = Math.max(x.length, y.length);
  const at = (dims: Dims, k: number) => dims[k - rank + dims.length] ?? 1;
  const dims = Array.from({ length: rank }, (_, k) => Math.max(at(x, k), at(y, k)));
  const fits = dims.every((n, k) => [1, n].includes(at(x, k)) && [1, n].includes(at(y, k)));
  return fits && product(dims) <= LARGEST ? dims : undefined;
}

export const LARGEST = 24;
export const axisOf = (x: Dims, c: Choice): number => c.how % x.length;
export const some = (x: Dims, c: Choice): number[] =>
  x.map((_, k) => k).filter((k) => (c.how >> k) % 2 === 1);
