/** @module */
import type { Builder } from "../../graph/builder.ts";
import {
  dimOf,
  div,
  expandLike,
  indicator,
  mul,
  unsqueeze,
  where,
  zerosLike,
} from "../../graph/emit.ts";
import { countTo } from "./positions.ts";

/** Updates that were put into data along one axis, as ScatterElements takes them. */
export interface Scattering {
  readonly x: string;
  readonly u: string;
  /** Where each update went, in its shape. */
  readonly at: string;
  /** The same counted from the start; broadcasts against the updates. */
  readonly places: () => string;
  readonly axis: number;
  readonly y: string;
  readonly dy: string;
}

/** What is wanted of the gradients, made when it is asked for. */
export interface ScatterGradients {
  readonly data: () => string;
  readonly updates: () => string;
}

const gatherAt = (b: Builder, { at, axis }: Scattering, value: string) =>
  b.op("GatherElements", [value, at], { axis });
const scatterAt = (b: Builder, s: Scattering, to: string, u: string, reduction: string) =>
  b.op("ScatterElements", [to, s.at, u], { axis: s.axis, reduction });

/**
 * `y_p = x_p Π_{k → p} u_k`: `∂x_p = ∂y_p Π_{k → p} u_k` and `∂u_k = ∂y_p x_p Π_{j → p, j ≠ k} u_j`,
 * by products alone (never y / u_k, nor by counting zeros, which is right at a zero but not around
 * it), so that zeros among the factors are exact to every order.
 */
export function ofProduct(b: Builder, s: Scattering): ScatterGradients {
  return {
    data: () => scatterAt(b, s, s.dy, s.u, "mul"),
    updates: () => {
      const alone = gatherAt(b, s, mul(b, s.dy, s.x));
      const count = b.dims(s.u)[s.axis]!;
      if (typeof count !== "number") return mul(b, alone, othersByPairs(b, s));
      return count <= 1 ? alone : mul(b, alone, othersInOrder(b, s, count));
    },
  };
}

/**
 * `y_p = max(x_p, max_{k → p} u_k)` (or min): each of the m among x_p and the u_k that equal y_p gets
 * `∂y_p / m`. Ties share evenly, as in PyTorch's scatter_reduce with amax; ONNX names no rule.
 */
export function ofExtreme(b: Builder, s: Scattering): ScatterGradients {
  const stays = b.op("Equal", [s.x, s.y]);
  const wins = b.op("Equal", [s.u, gatherAt(b, s, s.y)]);
  const ties = scatterAt(b, s, indicator(b, stays, s.x), indicator(b, wins, s.u), "add");
  const share = div(b, s.dy, ties);
  return {
    data: () => where(b, stays, share, 0),
    updates: () => where(b, wins, gatherAt(b, s, share), 0),
  };
}

/**
 * For each update the product of the others that went to its place: sorted by place, the updates of
 * one place are neighbours, and the product of those before (after) each is a scan in ⌈log₂ n⌉ steps.
 */
function othersInOrder(b: Builder, s: Scattering, count: number): string {
  const { axis } = s;
  const [places, order] = b.node("TopK", [s.places(), b.ints([count])], { axis, largest: 0 }, {
    outputs: 2,
  });
  const at = expandLike(b, order!, s.u);
  const turn = (value: string) => part(b, value, axis, -1, -count - 1, -1);
  const u = b.op("GatherElements", [s.u, at], { axis });
  const before = productsBefore(b, u, places!, axis, count);
  const after = turn(productsBefore(b, turn(u), turn(places!), axis, count));
  // Back to their order: each place is taken once.
  return b.op("ScatterElements", [zerosLike(b, s.u), at, mul(b, before, after)], { axis });
}

/** `Π u_j` over the j < k that have the place of k; equal places are neighbours. */
function productsBefore(
  b: Builder,
  u: string,
  places: string,
  axis: number,
  count: number,
): string {
  const rank = b.dims(u).length;
  const shifted = (value: string, by: number) => {
    const same = b.op("Equal", [
      part(b, places, axis, 0, count - by),
      part(b, places, axis, by, count),
    ]);
    const pads = b.ints(Array.from({ length: 2 * rank }, (_, k) => k === axis ? by : 0));
    const near = where(b, same, part(b, value, axis, 0, count - by), 1);
    return b.op("Pad", [near, pads, b.scalar(1, value)]);
  };
  let found = shifted(u, 1);
  // Each holds the product of `reach` neighbours; twice as many from two of them.
  for (let reach = 1; reach < count - 1; reach *= 2) found = mul(b, found, shifted(found, reach));
  return found;
}

const part = (b: Builder, x: string, axis: number, start: number, end: number, step = 1) =>
  b.op("Slice", [x, b.ints([start]), b.ints([end]), b.ints([axis]), b.ints([step])]);

/** The same for an axis of unknown length n: n rows of factors, in each only the others' are kept. */
function othersByPairs(b: Builder, s: Scattering): string {
  const { axis, u } = s;
  const places = s.places();
  const rest = b.dims(u).length - axis - 1;
  const numbers = countTo(b, dimOf(b, u, axis));
  // [n, n, 1, …]: leading axes broadcast.
  const behind = Array.from({ length: rest }, (_, k) => k + 2);
  const own = b.op("Equal", [
    unsqueeze(b, numbers, [1, ...behind]),
    unsqueeze(b, numbers, [0, ...behind]),
  ]);
  const same = b.op("Equal", [
    unsqueeze(b, places, [axis + 1]),
    unsqueeze(b, places, [axis]),
  ]);
  const others = b.op("And", [same, b.op("Not", [own])]);
  const rows = where(b, others, unsqueeze(b, u, [axis]), 1);
  const y = b.op("ReduceProd", [rows, b.ints([axis + 1])], { keepdims: 0 });
  b.declare(y, { dataType: b.dataType(u), dims: b.dims(u) });
  return y;
}
