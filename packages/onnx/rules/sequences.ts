/**
 * Lists of tensors whose length and places are known: they are taken apart where the graph is read,
 * so that nothing of them is left on the path to a parameter.
 *
 * @module
 */
import type { Builder } from "../graph/builder.ts";
import { axisOf, numbersOf, squeeze } from "./shared/mod.ts";
import type { NodeContext, OperatorRule } from "../graph/rule.ts";

/** The tensors in a list, for lists of which they are known. */
const contents = new WeakMap<Builder, Map<string, readonly string[]>>();

const listOf = (n: NodeContext, index: number): readonly string[] | undefined =>
  contents.get(n.b)?.get(n.input(index) ?? "");

/** Notes what the node's list holds. The node stays for what else reads the list. */
function note(n: NodeContext, parts: readonly string[]): boolean {
  const known = contents.get(n.b) ?? new Map<string, readonly string[]>();
  contents.set(n.b, known.set(n.node.output[0]!, parts));
  return false;
}

/** A place in a list; undefined where it is not known. */
function placeOf(n: NodeContext, index: number, length: number): number | undefined {
  const place = numbersOf(n, index)?.[0];
  if (place === undefined) return undefined;
  if (place < -length || place > length) n.refuse("read", `place ${place} of ${length} tensors`);
  return place < 0 ? place + length : place;
}

/** Parts along an axis: of given lengths, of one length, or of length 1. */
const splitToSequence: OperatorRule = {
  opType: "SplitToSequence",
  since: 11,
  upgrade: (n) => {
    const { b } = n;
    const x = n.input(0)!;
    const dims = n.dims(0);
    if (dims === undefined) return false;
    const axis = axisOf(n, n.int("axis", 0), dims.length);
    const size = dims[axis]!;
    const given = n.input(1) === undefined ? [1] : numbersOf(n, 1);
    const scalar = n.input(1) === undefined || n.b.type(n.input(1)!)?.dims?.length === 0;
    if (given === undefined || (scalar && typeof size !== "number")) return false;
    const lengths: number[] = [];
    if (scalar) {
      for (let left = size as number; left > 0; left -= given[0]!) {
        lengths.push(Math.min(left, given[0]!));
      }
    } else lengths.push(...given);
    const parts = lengths.length === 1
      ? [b.op("Identity", [x])]
      : b.node("Split", [x, b.ints(lengths)], { axis }, { outputs: lengths.length });
    const dropped = n.input(1) === undefined && n.int("keepdims", 1) === 0;
    return note(n, dropped ? parts.map((part) => squeeze(b, part, [axis])) : parts);
  },
};

const sequenceConstruct: OperatorRule = {
  opType: "SequenceConstruct",
  since: 11,
  upgrade: (n) => note(n, n.node.input),
};

const sequenceEmpty: OperatorRule = {
  opType: "SequenceEmpty",
  since: 11,
  upgrade: (n) => note(n, []),
  gradient: "none",
};

const sequenceInsert: OperatorRule = {
  opType: "SequenceInsert",
  since: 11,
  upgrade: (n) => {
    const list = listOf(n, 0);
    if (list === undefined) return false;
    const place = n.input(2) === undefined ? list.length : placeOf(n, 2, list.length);
    if (place === undefined) return false;
    return note(n, [...list.slice(0, place), n.input(1)!, ...list.slice(place)]);
  },
};

const sequenceErase: OperatorRule = {
  opType: "SequenceErase",
  since: 11,
  upgrade: (n) => {
    const list = listOf(n, 0);
    const place = list === undefined
      ? undefined
      : n.input(1) === undefined
      ? list.length - 1
      : placeOf(n, 1, list.length);
    if (place === undefined) return false;
    return note(n, list!.filter((_, k) => k !== place));
  },
};

/** One tensor of a list. */
const sequenceAt: OperatorRule = {
  opType: "SequenceAt",
  since: 11,
  upgrade: (n) => {
    const list = listOf(n, 0);
    const place = list === undefined ? undefined : placeOf(n, 1, list.length);
    const part = place === undefined ? undefined : list![place];
    if (part === undefined) return false;
    n.b.alias(part, n.node.output[0]!);
    return true;
  },
};

/** All of them in one, along an axis or a new one. */
const concatFromSequence: OperatorRule = {
  opType: "ConcatFromSequence",
  since: 11,
  upgrade: (n) => {
    const { b } = n;
    const list = listOf(n, 0);
    if (list === undefined || list.length === 0) return false;
    const axis = n.int("axis", 0);
    const parts = n.int("new_axis", 0) === 0
      ? list
      : list.map((part) => b.op("Unsqueeze", [part, b.ints([axis])]));
    b.node("Concat", parts, { axis }, { outputs: n.node.output });
    return true;
  },
};

/** Lists of tensors. */
export const sequences: readonly OperatorRule[] = [
  splitToSequence,
  sequenceConstruct,
  sequenceEmpty,
  sequenceInsert,
  sequenceErase,
  sequenceAt,
  concatFromSequence,
];
