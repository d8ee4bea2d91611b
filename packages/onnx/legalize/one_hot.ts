/** @module */
import type { Builder } from "../graph/builder.ts";
import { isStatic } from "../graph/dims.ts";
import { add, mul, reduceSum, reshape, sub, transpose, unsqueeze } from "../graph/emit.ts";
import { DataType } from "../model/data_type.ts";
import type { NodeContext } from "../graph/rule.ts";
import type { Narrowing } from "./narrow.ts";

/**
 * `h[…, c, …] = 1` where the index is c, else 0: the index, in the target's own integer type, must
 * have size one along `axis`, along which the classes lie.
 */
export function oneHot(b: Builder, index: string, classes: number, axis: number): string {
  const type = b.dataType(index);
  const rank = b.dims(index).length;
  const shape = Array.from({ length: rank }, (_, k) => k === axis ? classes : 1);
  const places = b.constant([...Array(classes).keys()], type, shape);
  return b.op("Cast", [b.op("Equal", [index, places])], { to: DataType.FLOAT });
}

/** The OneHot operator; a negative index counts from the end. */
export function oneHotNode(n: NodeContext, integers: Narrowing): boolean {
  const { b, node } = n;
  if (node.opType !== "OneHot") return false;
  const depth = b.known(n.input(1)!)?.[0];
  const rank = n.dims(0)?.length;
  const type = n.type(2)?.dataType;
  if (typeof depth !== "number" || rank === undefined || type !== DataType.FLOAT) return false;
  const given = n.int("axis", -1);
  const axis = given < 0 ? given + rank + 1 : given;
  const index = unsqueeze(b, wrapped(b, integers.narrow(b, n.input(0)!), depth), [axis]);
  const hot = oneHot(b, index, depth, axis);
  const value = (k: number) =>
    b.op("Squeeze", [b.op("Slice", [n.input(2), b.ints([k]), b.ints([k + 1])]), b.ints([0])]);
  b.alias(add(b, mul(b, hot, sub(b, value(1), value(0))), value(0)), node.output[0]!);
  return true;
}

/** An index counted from the start. */
function wrapped(b: Builder, index: string, size: number): string {
  const type = b.dataType(index);
  const [zero, all] = [b.constant([0], type, []), b.constant([size], type, [])];
  const negative = b.op("Cast", [b.op("Less", [index, zero])], { to: type });
  return b.op("Add", [index, b.op("Mul", [negative, all])]);
}

/**
 * Gather, GatherElements, GatherND and the scatters as products with a one-hot matrix, for a target
 * that has none of them: one index an element of the result along the indexed axis, or whole rows.
 * `expanded` tells which indices are others, expanded.
 */
export function indexing(
  n: NodeContext,
  integers: Narrowing,
  expanded: ReadonlyMap<string, string>,
): boolean {
  const { b, node } = n;
  const [x, at] = [node.input[0]!, node.input[1] ?? ""];
  if (node.opType === "GatherElements" || node.opType === "ScatterElements") {
    // Indices of pools, which nothing made narrow, are another form's.
    const known = expanded.has(at) || integers.has(at) || b.initializers.has(at);
    const value = known ? alongAxis(n, integers, expanded.get(at) ?? at) : undefined;
    if (value !== undefined) {
      b.alias(value, node.output[0]!);
      return true;
    }
  }
  if (!integers.has(at)) return false;
  const [dims, indices] = [n.dims(0), n.dims(1)];
  if (!isStatic(dims) || !isStatic(indices)) return false;
  const axisOf = (absent: number) => {
    const axis = n.int("axis", absent);
    return axis < 0 ? axis + dims.length : axis;
  };
  const give = (value: string) => {
    b.alias(value, node.output[0]!);
    return true;
  };
  const rows = () => {
    const size = dims[0]!;
    const flat = b.op("Reshape", [wrapped(b, at, size), b.ints([-1, 1])]);
    return oneHot(b, flat, size, 1);
  };
  const inner = dims.slice(1).reduce((a, d) => a * d, 1);
  switch (node.opType) {
    case "GatherElements":
    case "ScatterElements": {
      const axis = axisOf(0);
      const alike = indices.every((d, k) => k === axis ? d === 1 : d === dims[k]);
      if (!alike) return false;
      const hot = oneHot(b, wrapped(b, at, dims[axis]!), dims[axis]!, axis);
      if (node.opType === "GatherElements") return give(reduceSum(b, mul(b, x, hot), [axis], true));
      const put = mul(b, hot, n.input(2)!);
      if (n.string("reduction", "none") === "add") return give(b.op("Add", [x, put]));
      if (n.string("reduction", "none") !== "none") return false;
      return give(add(b, mul(b, x, sub(b, b.scalar(1, x), hot)), put));
    }
    case "Gather": {
      const axis = axisOf(0);
      const order = [axis, ...dims.map((_, k) => k).filter((k) => k !== axis)];
      const table = transpose(b, x, order);
      const size = dims[axis]!;
      const flat = b.op("Reshape", [wrapped(b, at, size), b.ints([-1, 1])]);
      const rest = order.slice(1).map((k) => dims[k]!);
      const each = b.op("MatMul", [
        oneHot(b, flat, size, 1),
        reshape(b, table, [size, rest.reduce((a, d) => a * d, 1)]),
      ]);
      const y = reshape(b, each, [...indices, ...rest]);
      const lead = indices.map((_, k) => k);
      const others = rest.map((_, k) => k + lead.length);
      const back = [...others.slice(0, axis), ...lead, ...others.slice(axis)];
      return give(transpose(b, y, back));
    }
    case "GatherND": {
      if (indices[indices.length - 1] !== 1 || n.int("batch_dims", 0) !== 0) return false;
      const each = b.op("MatMul", [rows(), reshape(b, x, [dims[0]!, inner])]);
      return give(reshape(b, each, [...indices.slice(0, -1), ...dims.slice(1)]));
    }
    case "ScatterND": {
      if (indices[indices.length - 1] !== 1 || n.string("reduction", "none") !== "add") {
        return false;
      }
      const count = indices.reduce((a, d) => a * d, 1);
      const sum = b.op("MatMul", [
        transpose(b, rows(), [1, 0]),
        reshape(b, n.input(2)!, [count, inner]),
      ]);
      return give(b.op("Add", [x, reshape(b, sum, dims)]));
    }
    default:
      return false;
  }
}

/** GatherElements and ScatterElements that take whole slices, their indices a vector that is expanded. */
function alongAxis(n: NodeContext, integers: Narrowing, indices: string): string | undefined {
  const { b } = n;
  const [dims, each, own] = [n.dims(0), n.dims(1), b.type(indices)?.dims];
  if (!isStatic(dims) || !isStatic(each) || !isStatic(own)) return undefined;
  const given = n.int("axis", 0);
  const axis = given < 0 ? given + dims.length : given;
  const [size, count] = [dims[axis]!, each[axis]!];
  const slices = each.every((d, k) => k === axis || d === dims[k]) &&
    own.length === each.length && own.every((d, k) => d === (k === axis ? count : 1));
  if (!slices) return undefined;
  const scatters = n.node.opType === "ScatterElements";
  if (scatters && n.string("reduction", "none") !== "add") return undefined;
  const order = [axis, ...dims.map((_, k) => k).filter((k) => k !== axis)];
  const rest = order.slice(1).map((k) => dims[k]!);
  const width = rest.reduce((a, d) => a * d, 1);
  const rows = (value: string, length: number) =>
    reshape(b, transpose(b, value, order), [length, width]);
  const back = order.map((_, k) => order.indexOf(k));
  const slicesOf = (value: string, length: number) =>
    transpose(b, reshape(b, value, [length, ...rest]), back);
  const flat = b.op("Reshape", [integers.narrow(b, indices), b.ints([-1, 1])]);
  const hot = oneHot(b, wrapped(b, flat, size), size, 1);
  const x = n.input(0)!;
  if (!scatters) return slicesOf(b.op("MatMul", [hot, rows(x, size)]), count);
  const sum = b.op("MatMul", [transpose(b, hot, [1, 0]), rows(n.input(2)!, count)]);
  return b.op("Add", [x, slicesOf(sum, size)]);
}
