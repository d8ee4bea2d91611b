/** @module */
import { intAttribute, stringAttribute } from "../model/attributes.ts";
import type { Builder } from "./builder.ts";
import { add } from "./emit.ts";

/** A value with zeros before and after it along one axis. */
interface Part {
  readonly value: string;
  readonly axis: number;
  readonly rank: number;
  readonly before: number;
  readonly after: number;
  readonly size: number;
}

/**
 * `x + y`, the parts joined where they are padded with zeros and lie side by side: what the
 * gradients of slices of one value are (of heads, gates, halves that are rotated). Joining copies
 * each element once; padding and adding would touch all of them for every part.
 */
export function addParts(b: Builder, x: string, y: string): string {
  const [p, q] = [partOf(b, x), partOf(b, y)];
  if (p === undefined || q === undefined || p.axis !== q.axis) return add(b, x, y);
  const [first, second] = p.before < q.before ? [p, q] : [q, p];
  if (first.before + first.size !== second.before) return add(b, x, y);
  const { axis, rank, before } = first;
  const { after } = second;
  const values = [...joined(b, first), ...joined(b, second)];
  const whole = b.op("Concat", values, { axis });
  if (before === 0 && after === 0) return typed(b, whole, x);
  const pads = Array.from({ length: 2 * rank }, () => 0);
  pads[axis] = before;
  pads[rank + axis] = after;
  return typed(b, b.op("Pad", [whole, b.ints(pads)]), x);
}

/**
 * The sum of values of one shape. Products `Aₖᵀ Bₖ`, which the uses of one weight in many time steps
 * give, become one product of what is joined: no sum of matrices as large as the weight.
 */
export function addAll(b: Builder, values: readonly string[]): string {
  const products = values.flatMap((value) => productOf(b, value) ?? []);
  if (products.length < 2) return values.reduce((x, y) => addParts(b, x, y));
  const join = (parts: readonly string[]) => b.op("Concat", parts, { axis: 0 });
  const [left, right] = [join(products.map((p) => p.a)), join(products.map((p) => p.b))];
  const product = b.op("Gemm", [left, right], { transA: 1 });
  const rest = values.filter((value) => productOf(b, value) === undefined);
  return [product, ...rest].reduce((x, y) => addParts(b, x, y));
}

/**
 * The factors of `Aᵀ B`, where they are smaller than it: to join large ones (an activation for every
 * position) would take more memory than the sum takes time.
 */
function productOf(b: Builder, name: string): { a: string; b: string } | undefined {
  const node = b.producer(name);
  if (node?.opType !== "Gemm" || node.domain !== "" || node.input.length !== 2) return undefined;
  if (node.attribute.length !== 1 || intAttribute(node, "transA", 0) !== 1) return undefined;
  const [left, right] = node.input as [string, string];
  const [inner, rows] = b.type(left)?.dims ?? [];
  const columns = b.type(right)?.dims?.[1];
  if (typeof rows !== "number" || typeof columns !== "number") return undefined;
  const small = typeof inner === "number"
    ? inner <= Math.max(rows, columns)
    : inner !== undefined && !inner.includes("*"); // a batch
  return small && Math.min(rows, columns) >= 16 ? { a: left, b: right } : undefined;
}

/** Gives a sum the type of what was added. */
function typed(b: Builder, sum: string, like: string): string {
  b.declare(sum, b.type(like)!);
  return sum;
}

function partOf(b: Builder, name: string): Part | undefined {
  const node = b.producer(name);
  if (node?.opType !== "Pad" || node.domain !== "" || node.input.length !== 2) return undefined;
  if (stringAttribute(node, "mode", "constant") !== "constant") return undefined;
  const [value, pads] = [node.input[0]!, b.known(node.input[1]!)];
  const dims = b.type(value)?.dims;
  if (dims === undefined || pads?.length !== 2 * dims.length) return undefined;
  const rank = dims.length;
  const padded = dims.flatMap((_, k) => pads[k] === 0 && pads[rank + k] === 0 ? [] : [k]);
  const [axis] = padded;
  if (axis === undefined || padded.length > 1) return undefined;
  const [before, after, size] = [pads[axis], pads[rank + axis], dims[axis]];
  if (typeof before !== "number" || typeof after !== "number" || typeof size !== "number") {
    return undefined;
  }
  return before < 0 || after < 0 ? undefined : { value, axis, rank, before, after, size };
}

/** What a part was joined from, so that three parts make one Concat. */
function joined(b: Builder, { value, axis }: Part): readonly string[] {
  const node = b.producer(value);
  if (node?.opType !== "Concat" || node.domain !== "") return [value];
  return intAttribute(node, "axis", 0) === axis ? node.input : [value];
}
