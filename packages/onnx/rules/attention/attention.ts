/** @module */
import type { Builder } from "../../graph/builder.ts";
import {
  add,
  DataType,
  dimOf,
  div,
  mul,
  sub,
  transpose,
  transposeLast,
  unsqueeze,
  where,
} from "../shared/mod.ts";
import { countTo, vectorOf } from "../shared/positions.ts";
import type { NodeContext, OperatorRule } from "../../graph/rule.ts";

const has = (n: NodeContext, name: string) => n.node.attribute.some((a) => a.name === name);

/** [batch, length, heads · size] → [batch, heads, length, size]. */
function splitHeads(n: NodeContext, index: number, heads: number): string {
  const { b } = n;
  const x = n.input(index)!;
  if (b.dims(x).length === 4) return x;
  if (heads === 0) n.refuse("read", "inputs of rank 3 need q_num_heads and kv_num_heads");
  return transpose(b, b.op("Reshape", [x, b.ints([0, 0, heads, -1])]), [0, 2, 1, 3]);
}

/** Each of the heads of keys or values `times` times in a row, as grouped queries share them. */
function repeatHeads(b: Builder, x: string, times: number): string {
  if (times === 1) return x;
  const copies = b.op("Expand", [unsqueeze(b, x, [2]), b.ints([1, 1, times, 1, 1])]);
  const heads = b.dims(x)[1] as number;
  const shape = [dimOf(b, x, 0), heads * times, dimOf(b, x, 2), dimOf(b, x, 3)];
  return b.op("Reshape", [copies, vectorOf(b, shape)]);
}

/** How often a head of keys serves, for grouped queries. */
function groupsOf(n: NodeContext, q: string, k: string): number {
  const [queries, keys] = [n.b.dims(q)[1]!, n.b.dims(k)[1]!];
  if (queries === keys) return 1;
  if (typeof queries !== "number" || typeof keys !== "number" || queries % keys !== 0) {
    return n.refuse("read", `${queries} heads of queries do not share ${keys} heads of keys`);
  }
  return queries / keys;
}

/**
 * Which keys a query may look at, as conditions that broadcast to [batch, heads, queries, keys]:
 * `j ≤ i + o` where causal, `i + o − left ≤ j ≤ i + o + right` in a window, `j < nonpad`; o is the
 * number of keys before the queries.
 */
function conditionsOf(n: NodeContext, q: string, k: string): string[] {
  const { b } = n;
  const causal = n.int("is_causal", 0) !== 0;
  const [left, right] = [n.int("left_window_size", -1), n.int("right_window_size", -1)];
  const past = n.input(4);
  const nonpad = n.input(6);
  const found: string[] = [];
  const keys = () => countTo(b, dimOf(b, k, 2));
  const column = (v: string) => unsqueeze(b, v, [1]);
  if (causal || left >= 0 || right >= 0) {
    const queries = dimOf(b, q, 2);
    const at = column(countTo(b, queries));
    const length = nonpad === undefined
      ? undefined
      : b.op("Sub", [b.op("Reshape", [nonpad, b.ints([-1, 1, 1, 1])]), queries]);
    const offset = past === undefined ? length : dimOf(b, past, 2);
    const place = offset === undefined ? at : b.op("Add", [at, offset]);
    const shifted = (by: number) => b.op("Add", [place, b.ints([by])]);
    if (causal) found.push(b.op("LessOrEqual", [keys(), place]));
    if (left >= 0) found.push(b.op("GreaterOrEqual", [keys(), shifted(-left)]));
    if (right >= 0) found.push(b.op("LessOrEqual", [keys(), shifted(right)]));
  }
  if (nonpad !== undefined) {
    found.push(b.op("Less", [keys(), b.op("Reshape", [nonpad, b.ints([-1, 1, 1, 1])])]));
  }
  return found;
}

/** The mask as numbers to add, −∞ behind its end where it is shorter than the keys. */
function maskOf(n: NodeContext, like: string, k: string): string | undefined {
  const { b } = n;
  const mask = n.input(3);
  if (mask === undefined) return undefined;
  const added = b.dataType(mask) === DataType.BOOL
    ? where(b, mask, b.scalar(0, like), b.scalar(-Infinity, like))
    : mask;
  const [width, keys] = [b.dims(mask).at(-1), b.dims(k)[2]];
  if (width === keys || typeof width !== "number" || typeof keys !== "number") return added;
  const lead = b.dims(mask).map(() => 0);
  const pads = b.ints([...lead, ...lead.slice(1), keys - width]);
  return b.op("Pad", [added, pads, b.scalar(-Infinity, like)]);
}

/** `y = softmax(c tanh(s q kᵀ / c) + mask) v`; a query that may look at nothing gives 0. */
function attend(n: NodeContext): boolean {
  const { b, node } = n;
  const q = splitHeads(n, 0, n.int("q_num_heads", 0));
  const joined = (index: number, past: string | undefined) => {
    const x = splitHeads(n, index, n.int("kv_num_heads", 0));
    return past === undefined ? x : b.op("Concat", [past, x], { axis: 2 });
  };
  const [k, v] = [joined(1, n.input(4)), joined(2, n.input(5))];
  const groups = groupsOf(n, q, k);
  const size = b.dims(q)[3]!;
  const scaled = has(n, "scale")
    ? mul(b, q, n.float("scale", 1))
    : typeof size === "number"
    ? mul(b, q, size ** -0.5)
    : div(b, q, b.op("Sqrt", [b.op("Cast", [dimOf(b, q, 3)], { to: b.dataType(q) })]));
  const raw = b.op("MatMul", [scaled, transposeLast(b, repeatHeads(b, k, groups))]);
  const cap = n.float("softcap", 0);
  const scores = cap > 0 ? mul(b, b.op("Tanh", [div(b, raw, cap)]), cap) : raw;
  const conditions = conditionsOf(n, q, k);
  const mask = maskOf(n, scores, k);
  const allowed = conditions.length === 0
    ? undefined
    : conditions.reduce((all, one) => b.op("And", [all, one]));
  const closed = allowed === undefined
    ? undefined
    : where(b, allowed, b.scalar(0, scores), b.scalar(-Infinity, scores));
  let biased = scores;
  for (const bias of [mask, closed]) if (bias !== undefined) biased = add(b, biased, bias);

  const precision = n.int("softmax_precision", b.dataType(q));
  const apart = precision !== b.dataType(q);
  const wide = apart ? b.op("Cast", [biased], { to: precision }) : biased;
  const shares = b.op("Softmax", [wide], { axis: -1 });
  // Without a mask the first query has its own key.
  const all = mask === undefined && n.input(6) === undefined && n.int("left_window_size", -1) < 0 &&
    n.int("right_window_size", -1) < 0;
  const p = all ? shares : where(b, b.op("IsNaN", [shares]), b.scalar(0, shares), shares);
  const narrow = apart ? b.op("Cast", [p], { to: b.dataType(q) }) : p;
  const y = b.op("MatMul", [narrow, repeatHeads(b, v, groups)]);
  const flat = b.dims(n.input(0)!).length === 4
    ? y
    : b.op("Reshape", [transpose(b, y, [0, 2, 1, 3]), b.ints([0, 0, -1])]);
  const modes = [raw, scores, biased, narrow];
  const outputs = [flat, k, v, modes[n.int("qk_matmul_output_mode", 0)]];
  node.output.forEach((name, at) => name !== "" && b.alias(outputs[at]!, name));
  return true;
}

/** Scaled dot product attention, with masks, caches and grouped queries. */
const attention: OperatorRule = { opType: "Attention", since: 23, upgrade: attend };

/**
 * Pairs of elements turned by angles: `y₁ = cos·x₁ − sin·x₂`, `y₂ = sin·x₁ + cos·x₂`, of the first
 * `rotary_embedding_dim` elements of each head; pairs are halves, or neighbours where interleaved.
 */
const rotaryEmbedding: OperatorRule = {
  opType: "RotaryEmbedding",
  since: 23,
  constants: [1, 2],
  upgrade: (n) => {
    const { b, node } = n;
    const x = n.input(0)!;
    const flat = b.dims(x).length === 3;
    const heads = n.int("num_heads", 0);
    if (flat && heads === 0) n.refuse("read", "an input of rank 3 needs num_heads");
    // [batch, length, heads, size] or [batch, heads, length, size]
    const apart = flat ? b.op("Reshape", [x, b.ints([0, 0, heads, -1])]) : x;
    const ids = n.input(3);
    const angle = (index: number) => {
      const cache = n.input(index)!;
      const taken = ids === undefined ? cache : b.op("Gather", [cache, ids], { axis: 0 });
      return unsqueeze(b, taken, [flat ? 2 : 1]);
    };
    const [cos, sin] = [angle(1), angle(2)];
    const size = b.dims(apart)[3];
    const turned = n.int("rotary_embedding_dim", 0) || size;
    if (typeof turned !== "number") return n.refuse("read", "the size of its heads is not known");
    const slice = (from: number, to: number, step = 1) =>
      b.op("Slice", [apart, b.ints([from]), b.ints([to]), b.ints([3]), b.ints([step])]);
    const interleaved = n.int("interleaved", 0) !== 0;
    const [x1, x2] = interleaved
      ? [slice(0, turned, 2), slice(1, turned, 2)]
      : [slice(0, turned / 2), slice(turned / 2, turned)];
    const y1 = sub(b, mul(b, cos, x1), mul(b, sin, x2));
    const y2 = add(b, mul(b, sin, x1), mul(b, cos, x2));
    const pairs = interleaved
      ? b.op("Reshape", [
        b.op("Concat", [unsqueeze(b, y1, [4]), unsqueeze(b, y2, [4])], { axis: 4 }),
        b.ints([0, 0, 0, turned]),
      ])
      : b.op("Concat", [y1, y2], { axis: 3 });
    const whole = turned === size
      ? pairs
      : b.op("Concat", [pairs, slice(turned, Number.MAX_SAFE_INTEGER)], { axis: 3 });
    b.alias(flat ? b.op("Reshape", [whole, b.ints([0, 0, -1])]) : whole, node.output[0]!);
    return true;
  },
};

/** Attention and what is around it. */
export const attentions: readonly OperatorRule[] = [attention, rotaryEmbedding];
