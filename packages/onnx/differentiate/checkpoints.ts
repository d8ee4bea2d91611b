/**
 * Activation checkpointing: of the forward pass a few values are kept, what lies between them is
 * computed again. Chen, Xu, Zhang, Guestrin, "Training deep nets with sublinear memory cost" (2016).
 *
 * @module
 */
import type { Builder } from "../graph/builder.ts";
import {
  bytesPerElement,
  type Dim,
  isStatic,
  OnnxError,
  RANDOM,
  readsOf,
  substitute,
  symbolsOf,
} from "../rules/shared/mod.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import type { Segment } from "./recompute.ts";

/** What is kept of the forward pass, and what is computed again. */
export type Recompute =
  /** Nothing is computed again. */
  | false
  /** Values of the graph at which it is cut; what lies between two cuts is computed again. */
  | { readonly keep: readonly string[] }
  /**
   * Cuts are chosen so that what is kept for the backward pass takes at most so many bytes, by an
   * estimate: what it computes by the way comes on top. `sizes` are numbers for symbolic sizes, such as
   * `{ N: 8 }`.
   */
  | { readonly bytes: number; readonly sizes?: Readonly<Record<string, number>> };

/** A forward pass with its cotangents. */
export interface Pass {
  readonly b: Builder;
  readonly forward: readonly NodeProto[];
  readonly cotangents: ReadonlyMap<string, string>;
}

/** @throws {TypeError} For what is neither names nor a number of bytes. */
export function checkRecompute(given: Recompute | undefined): void {
  if (given === undefined || given === false) return;
  const { keep, bytes } = (given ?? {}) as { keep?: unknown; bytes?: unknown };
  const names = Array.isArray(keep) && keep.every((name) => typeof name === "string");
  const count = typeof bytes === "number" && bytes > 0;
  if (names !== count) return;
  throw new TypeError(
    "Cannot differentiate: recompute must be false, { keep: [names of values] } or " +
      `{ bytes: number above 0 }, current value is ${JSON.stringify(given)}`,
  );
}

/**
 * The segments between cuts, but for the last, whose backward pass comes first.
 *
 * @throws {OnnxError} For a name that is not on the way to the loss; where no choice of cuts keeps to
 *   the bytes.
 */
export function checkpointSegments(
  pass: Pass,
  recompute: Exclude<Recompute, false>,
): Segment[] {
  const cuts = "keep" in recompute
    ? named(pass, recompute.keep)
    : chosen(pass, recompute.bytes, new Map(Object.entries(recompute.sizes ?? {})));
  return between(pass, cuts);
}

/** Whether a node is on the way from a parameter to the loss: masks and shapes are not. */
const isOnPath = ({ cotangents }: Pass, node: NodeProto) =>
  node.output.some((name) => cotangents.has(name));

/** For each place behind a node the values on the path that are read later. */
function crossings(pass: Pass): Set<string>[] {
  const { forward, cotangents } = pass;
  // Parameters have cotangents, too, and are there anyway.
  const made = new Set(forward.flatMap((node) => node.output));
  const live = new Set<string>();
  const result: Set<string>[] = [];
  for (let k = forward.length - 1; k >= 0; k--) {
    result[k] = new Set(live);
    for (const name of forward[k]!.output) live.delete(name);
    for (const name of readsOf(forward[k]!)) {
      if (made.has(name) && cotangents.has(name)) live.add(name);
    }
  }
  return result;
}

/** Where a segment ends, and whether it is computed again. */
interface Cut {
  readonly at: number;
  readonly again: boolean;
}

function between(pass: Pass, cuts: readonly Cut[]): Segment[] {
  const { b, forward, cotangents } = pass;
  const crossing = crossings(pass);
  const kept = new Set(cuts.flatMap(({ at }) => [...crossing[at]!]));
  return cuts.flatMap(({ at, again }, k) => {
    const nodes = forward.slice(k === 0 ? 0 : cuts[k - 1]!.at + 1, at + 1)
      .filter((node) => isOnPath(pass, node) && !RANDOM.test(node.opType));
    const made = new Set(nodes.flatMap((node) => node.output));
    const after = [...crossing[at]!].reverse().find((name) => made.has(name)) ??
      [...crossing[at]!][0];
    const cotangent = after === undefined ? undefined : cotangents.get(after);
    if (!again || cotangent === undefined || b.producer(cotangent) === undefined) return [];
    return [{ nodes, after: cotangent, kept }];
  });
}

function named({ forward, cotangents }: Pass, names: readonly string[]): Cut[] {
  const places = names.map((name) => {
    const at = forward.findIndex((node) => node.output.includes(name));
    if (at < 0 || !cotangents.has(name)) {
      throw new OnnxError(
        `Cannot keep "${name}" and compute again what lies before it: it is no value between a ` +
          `trained parameter and the loss`,
        { node: name },
      );
    }
    return at;
  });
  return [...new Set(places)].sort((p, q) => p - q).map((at) => ({ at, again: true }));
}

/** A stretch of the graph between two places where little is alive. */
interface Stretch {
  readonly at: number;
  /** Bytes that it keeps if it is not computed again. */
  readonly inside: number;
  /** Bytes that are kept where it ends. */
  readonly behind: number;
}

/**
 * As few bytes computed again as keep to the limit: for every number of stretches of about the same
 * weight, all but the last are computed again, and then, from the end, as many are not as there is room
 * for.
 */
function chosen(
  pass: Pass,
  limit: number,
  sizes: ReadonlyMap<string, number>,
): Cut[] {
  const stretches = stretchesOf(pass, sizes);
  const total = stretches.reduce((sum, { inside }) => sum + inside, 0);
  if (total <= limit) return [];
  let best: { cuts: Cut[]; again: number } | undefined;
  let least = total;
  for (let count = 2; count <= stretches.length; count++) {
    const joined = joinedInto(stretches, count, total);
    const peak = (again: number) => {
      const kept = joined.slice(0, -1).reduce((sum, { behind }) => sum + behind, 0);
      const whole = joined.slice(again).reduce((sum, { inside }) => sum + inside, 0);
      const largest = Math.max(0, ...joined.slice(0, again).map(({ inside }) => inside));
      return kept + Math.max(whole, whole - joined.at(-1)!.inside + largest);
    };
    for (let again = 1; again < joined.length; again++) {
      const bytes = peak(again);
      least = Math.min(least, bytes);
      const work = joined.slice(0, again).reduce((sum, { inside }) => sum + inside, 0);
      if (bytes > limit || (best !== undefined && best.again <= work)) continue;
      const cuts = joined.slice(0, -1).map(({ at }, k) => ({ at, again: k < again }));
      best = { cuts, again: work };
    }
  }
  if (best === undefined) {
    throw new OnnxError(
      `Cannot keep to ${limit} bytes between forward and backward pass: the least that was found ` +
        `is ${least}; take a smaller batch`,
    );
  }
  return best.cuts;
}

/** Neighbours put together until each weighs its share. */
function joinedInto(stretches: readonly Stretch[], count: number, total: number): Stretch[] {
  const joined: Stretch[] = [];
  let inside = 0;
  for (const stretch of stretches) {
    inside += stretch.inside;
    if (inside < total / count && stretch !== stretches.at(-1)) continue;
    joined.push({ ...stretch, inside });
    inside = 0;
  }
  return joined;
}

function stretchesOf(pass: Pass, sizes: ReadonlyMap<string, number>): Stretch[] {
  const { b, forward } = pass;
  const crossing = crossings(pass);
  const outputs = new Set(forward.flatMap((node) => isOnPath(pass, node) ? node.output : []));
  const own = new Set(forward);
  const read = new Set(b.nodes.flatMap((node) => own.has(node) ? [] : readsOf(node)));
  const bytesOf = (name: string) => bytesIn(b, name, sizes);
  const last = forward.length - 1;
  const stretches: Stretch[] = [];
  let inside = 0;
  forward.forEach((node, at) => {
    for (const name of node.output) {
      if (outputs.has(name) && read.has(name)) inside += bytesOf(name);
    }
    if (at < last && (crossing[at]!.size !== 1 || !isOnPath(pass, node))) return;
    const behind = [...crossing[at]!].reduce((sum, name) => sum + bytesOf(name), 0);
    stretches.push({ at, inside, behind });
    inside = 0;
  });
  return stretches;
}

function bytesIn(b: Builder, name: string, sizes: ReadonlyMap<string, number>): number {
  const dims: readonly Dim[] = b.dims(name).map((d) => substitute(d, sizes));
  if (!isStatic(dims)) {
    const unknown = [...new Set(dims.flatMap(symbolsOf))].join(", ");
    throw new OnnxError(
      `Cannot tell how many bytes "${name}" takes: give a number for ${unknown} in ` +
        `recompute's sizes`,
      { node: name },
    );
  }
  return dims.reduce((a, d) => a * d, 1) * (bytesPerElement(b.dataType(name)) ?? 4);
}
