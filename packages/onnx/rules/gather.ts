/** @module */
import type { Builder } from "../graph/builder.ts";
import {
  axisOf,
  dimOf,
  numbersOf,
  product,
  reshapeLike,
  unsqueeze,
  zerosLike,
} from "./shared/mod.ts";
import { addAlong, rowsAt } from "./shared/places.ts";
import { countTo, vectorOf } from "./shared/positions.ts";
import type { GradientContext, OperatorRule } from "../graph/rule.ts";

/**
 * `y[p, i…, q] = x[p, index[i…], q]`, the index along one axis: the gradient is added up at the
 * indices, `∂x[p, j, q] = Σ_{index[i…] = j} ∂y[p, i…, q]`.
 */
const gather: OperatorRule = {
  opType: "Gather",
  since: 7,
  infer: (n) => {
    const [type, indices] = [n.type(0), n.dims(1)];
    if (type === undefined) return [];
    const { dataType, dims } = type;
    if (dims === undefined || indices === undefined) return [{ dataType }];
    const axis = axisOf(n, n.int("axis", 0), dims.length);
    return [{ dataType, dims: [...dims.slice(0, axis), ...indices, ...dims.slice(axis + 1)] }];
  },
  evaluate: (n) => {
    const [values, indices] = [n.b.known(n.input(0)!), numbersOf(n, 1)];
    // A known scalar and a known vector of one look alike: only a vector can be gathered from.
    if (values === undefined || indices === undefined) return undefined;
    return indices.map((i) => {
      const value = values[i < 0 ? i + values.length : i];
      if (value === undefined) return n.refuse("read", `index ${i} of ${values.length} elements`);
      return value;
    });
  },
  gradient: (n) => {
    const { b } = n;
    const [x, dy] = [n.input(0)!, n.cotangent()];
    const rank = b.dims(x).length;
    const axis = axisOf(n, n.int("axis", 0), rank);
    const padded = oneIndex(n, axis);
    if (padded !== undefined) return [padded];
    const index = n.input(1)!;
    const width = b.dims(index).length;
    const flat = width === 1 ? index : b.op("Reshape", [index, b.ints([-1])]);
    const others = b.dims(x).map((_, k) => k).filter((k) => k !== axis);
    return [addAlong(b, {
      zeros: zerosLike(b, x),
      indices: unsqueeze(b, flat, others),
      updates: oneAxis(b, dy, axis, width),
      axis,
    })];
  },
};

/** A value with `width` axes from `axis` on made one. */
function oneAxis(b: Builder, x: string, axis: number, width: number): string {
  if (width === 1) return x;
  if (width === 0) return unsqueeze(b, x, [axis]);
  const dims = b.dims(x);
  const size = (k: number) => typeof dims[k] === "number" ? dims[k] : dimOf(b, x, k);
  const made = dims.slice(axis, axis + width).map((_, k) => size(axis + k));
  const count = product(dims.slice(axis, axis + width));
  const length = typeof count === "number"
    ? count
    : b.op("ReduceProd", [vectorOf(b, made)], { keepdims: 1 });
  const before = Array.from({ length: axis }, (_, k) => size(k));
  const after = dims.slice(axis + width).map((_, k) => size(axis + width + k));
  const y = b.op("Reshape", [x, vectorOf(b, [...before, length, ...after])], { allowzero: 1 });
  b.declare(y, {
    dataType: b.dataType(x),
    dims: [...dims.slice(0, axis), count, ...dims.slice(axis + width)],
  });
  return y;
}

/** One known place of an axis (the first token, one gate of many): zeros around the gradient. */
function oneIndex(n: GradientContext, axis: number): string | undefined {
  const { b } = n;
  const [dims, index] = [b.dims(n.input(0)!), numbersOf(n, 1)];
  const size = dims[axis]!;
  if (index?.length !== 1 || typeof size !== "number") return undefined;
  const at = index[0]! < 0 ? index[0]! + size : index[0]!;
  if (!(at >= 0 && at < size)) n.refuse("read", `index ${index[0]} of ${size}`);
  const pads = Array.from({ length: 2 * dims.length }, () => 0);
  pads[axis] = at;
  pads[dims.length + axis] = size - 1 - at;
  const dy = n.cotangent();
  const width = b.dims(n.input(1)!).length;
  const apart = width === 0 ? unsqueeze(b, dy, [axis]) : dy;
  return size === 1 ? apart : b.op("Pad", [apart, b.ints(pads)]);
}

/** `y[i, j] = x[index[i, j], j]` along an axis: the gradient is added up at the indices. */
const gatherElements: OperatorRule = {
  opType: "GatherElements",
  since: 11,
  infer: (n) => {
    const type = n.type(0);
    return type === undefined ? [] : [{ dataType: type.dataType, dims: n.dims(1) }];
  },
  gradient: (n) => {
    const { b } = n;
    const zeros = zerosLike(b, n.input(0)!);
    const attributes = { axis: n.int("axis", 0), reduction: "add" };
    return [b.op("ScatterElements", [zeros, n.input(1), n.cotangent()], attributes)];
  },
};

/**
 * `y[β, i…] = x[β, index[β, i…, :]]` with coordinates in the index's last axis and `batch_dims`
 * axes β in common: the gradient is added up at the coordinates.
 */
const gatherND: OperatorRule = {
  opType: "GatherND",
  since: 11,
  infer: (n) => {
    const [type, indices] = [n.type(0), n.dims(1)];
    if (type === undefined) return [];
    const { dataType, dims } = type;
    const depth = indices?.[indices.length - 1];
    if (dims === undefined || typeof depth !== "number") return [{ dataType }];
    const batch = n.int("batch_dims", 0);
    if (batch + depth > dims.length) {
      n.refuse("read", `${depth} coordinates after ${batch} batch axes of rank ${dims.length}`);
    }
    return [{ dataType, dims: [...indices!.slice(0, -1), ...dims.slice(batch + depth)] }];
  },
  gradient: (n) => {
    const { b } = n;
    const [x, indices, dy] = [n.input(0)!, n.input(1)!, n.cotangent()];
    const batch = n.int("batch_dims", 0);
    const depth = b.dims(indices).at(-1);
    if (typeof depth !== "number") {
      return n.refuse("differentiate", "how many coordinates its indices hold is not known");
    }
    const coordinates = batch === 0 ? indices : withBatch(b, indices, batch);
    const rows = rowsAt(b, x, coordinates, batch + depth);
    const sum = addAlong(b, {
      zeros: rows.zeros(),
      indices: rows.indices,
      updates: rows.updates(dy),
      axis: 0,
    });
    return [reshapeLike(b, sum, x)];
  },
};

/** Coordinates with those of the batch axes in front, so that they reach into the whole tensor. */
function withBatch(b: Builder, indices: string, batch: number): string {
  const dims = b.dims(indices);
  const rank = dims.length;
  const shape = vectorOf(b, [
    ...dims.slice(0, -1).map((d, k) => typeof d === "number" ? d : dimOf(b, indices, k)),
    1,
  ]);
  const coordinates = Array.from({ length: batch }, (_, k) => {
    const along = countTo(b, dimOf(b, indices, k));
    const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== k);
    return b.op("Expand", [unsqueeze(b, along, others), shape]);
  });
  return b.op("Concat", [...coordinates, indices], { axis: rank - 1 });
}

/** Taking elements by index. */
export const gathers: readonly OperatorRule[] = [gather, gatherElements, gatherND];
