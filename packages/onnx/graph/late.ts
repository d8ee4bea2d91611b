/**
 * Values that are wanted again, late.
 *
 * @module
 */
import type { NodeProto } from "../proto/onnx_pb.ts";
import type { Builder } from "./builder.ts";
import { sameDims } from "./dims.ts";

/**
 * `x` again, as a value that is not there before `after` is: what is computed from it is computed
 * late, and by no optimizer taken for what was computed from `x`. Nothing is copied: it is a Reshape to
 * x's own shape, which is read from `after` where the two are of one shape, and to which else the number
 * of elements of `after` is added and taken away.
 */
export function late(b: Builder, x: string, after: string): string {
  const type = b.type(x);
  const shape = sameDims(type?.dims, b.type(after)?.dims)
    ? b.op("Shape", [after])
    : b.op("Add", [b.op("Shape", [x]), nothingOf(b, after)]);
  // A size of 0 is one, not "as before".
  const y = b.op("Reshape", [x, shape], { allowzero: 1 });
  if (type !== undefined) b.declare(y, type);
  return y;
}

function nothingOf(b: Builder, after: string): string {
  const size = b.op("Size", [after]);
  return b.op("Sub", [size, size]);
}

/** What a node waits for, if it is one that {@linkcode late} writes. */
export function waitsFor(b: Builder, { opType, domain, input }: NodeProto): string | undefined {
  if (opType !== "Reshape" || domain !== "") return undefined;
  const [x, shape] = input as [string, string];
  const dims = b.type(x)?.dims;
  const made = b.producer(shape);
  const own = shapeReadFrom(made);
  if (own !== undefined) return own !== x && sameDims(dims, b.type(own)?.dims) ? own : undefined;
  if (made?.opType !== "Add") return undefined;
  const [kept, nothing] = made.input as [string, string];
  const same = shapeReadFrom(b.producer(kept)) === x || sameDims(dims, b.known(kept));
  return same ? countedIn(b, nothing) : undefined;
}

const shapeReadFrom = (node: NodeProto | undefined) =>
  node?.opType === "Shape" && node.attribute.length === 0 ? node.input[0] : undefined;

function countedIn(b: Builder, name: string): string | undefined {
  const nothing = b.producer(name);
  if (nothing?.opType !== "Sub" || nothing.input[0] !== nothing.input[1]) return undefined;
  const size = b.producer(nothing.input[0]!);
  return size?.opType === "Size" ? size.input[0] : undefined;
}
