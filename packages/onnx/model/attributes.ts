/** @module */
import { create } from "../proto/create.ts";
import {
  AttributeProto,
  type GraphProto,
  type NodeProto,
  type TensorProto,
} from "../proto/onnx_pb.ts";
import { OnnxError } from "./onnx_error.ts";

const TYPES = { f: 1, i: 2, s: 3, t: 4, g: 5, floats: 6, ints: 7, strings: 8 } as const;

/**
 * A float attribute. Plain numbers become what the operator's schema says; of operators that have none
 * here, integers.
 */
export interface Float {
  readonly float: number;
}
/** Marks a number as a float attribute. */
export const float = (value: number): Float => ({ float: value });

/** What `makeAttribute()` takes: integers, floats, strings, tensors, lists. */
export type AttributeValue =
  | number
  | Float
  | string
  | readonly number[]
  | readonly string[]
  | { readonly floats: readonly number[] }
  | TensorProto;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An attribute message. */
export function makeAttribute(name: string, value: AttributeValue): AttributeProto {
  const make = (type: keyof typeof TYPES, content: unknown) =>
    create(AttributeProto, { name, type: TYPES[type], [type]: content });
  if (typeof value === "number") return make("i", integerOf(name, value));
  if (typeof value === "string") return make("s", encoder.encode(value));
  if ("float" in value) return make("f", value.float);
  if ("floats" in value) return make("floats", [...value.floats]);
  if ("dataType" in value) return make("t", value);
  if (typeof value[0] === "string") {
    return make("strings", value.map((s) => encoder.encode(s as string)));
  }
  return make("ints", (value as readonly number[]).map((v) => integerOf(name, v)));
}

function integerOf(name: string, value: number): bigint {
  if (Number.isSafeInteger(value)) return BigInt(value);
  throw new OnnxError(
    `Cannot make the attribute "${name}": ${value} is no whole number; as a float it is written ` +
      `float(${value}) or { float: ${value} }, a list of floats { floats: [${value}] }`,
  );
}

/** A node's name for messages: its own, or that of its first output. */
export function nameOf(node: NodeProto): string {
  return node.name !== "" ? node.name : node.output.find((o) => o !== "") ?? "(nameless)";
}

/** Finds an attribute, checking its type. */
function find(node: NodeProto, name: string, type: keyof typeof TYPES): AttributeProto | undefined {
  const attribute = node.attribute.find((a) => a.name === name);
  // Writers before IR 3 left the type out.
  if (attribute !== undefined && attribute.type !== 0 && attribute.type !== TYPES[type]) {
    throw new OnnxError(
      `Cannot read attribute "${name}" of ${node.opType} "${nameOf(node)}": ` +
        `expected type ${TYPES[type]}, actual type is ${attribute.type}`,
      { node: nameOf(node) },
    );
  }
  return attribute;
}

/**
 * An int64 as a number. Exporters write its largest value for "to the end": as a float that would be
 * one too many to be written again.
 */
export function clampedNumber(value: bigint): number {
  const most = Number.MAX_SAFE_INTEGER;
  return Math.max(-most, Math.min(most, Number(value)));
}

/** An integer attribute, or what stands for an absent one. */
export function intAttribute<T>(node: NodeProto, name: string, absent: T): number | T {
  const found = find(node, name, "i");
  return found === undefined ? absent : clampedNumber(found.i ?? 0n);
}

/** A float attribute, or what stands for an absent one. */
export function floatAttribute<T>(node: NodeProto, name: string, absent: T): number | T {
  const found = find(node, name, "f");
  return found === undefined ? absent : found.f ?? 0;
}

/** A string attribute, or what stands for an absent one. */
export function stringAttribute<T>(node: NodeProto, name: string, absent: T): string | T {
  const found = find(node, name, "s");
  return found === undefined ? absent : decoder.decode(found.s ?? new Uint8Array());
}

/** A list of integers, or what stands for an absent one. */
export function intsAttribute<T>(node: NodeProto, name: string, absent: T): number[] | T {
  return find(node, name, "ints")?.ints.map(clampedNumber) ?? absent;
}

/** A list of floats, or what stands for an absent one. */
export function floatsAttribute<T>(node: NodeProto, name: string, absent: T): number[] | T {
  return find(node, name, "floats")?.floats ?? absent;
}

/** A list of strings, or what stands for an absent one. */
export function stringsAttribute<T>(node: NodeProto, name: string, absent: T): string[] | T {
  return find(node, name, "strings")?.strings.map((s) => decoder.decode(s)) ?? absent;
}

/** A tensor attribute. */
export function tensorAttribute(node: NodeProto, name: string): TensorProto | undefined {
  return find(node, name, "t")?.t;
}

/** Every graph among a node's attributes: the bodies of If, Loop and Scan. */
export function bodiesOf(node: NodeProto): GraphProto[] {
  return node.attribute.flatMap((a) => [...(a.g === undefined ? [] : [a.g]), ...a.graphs]);
}
