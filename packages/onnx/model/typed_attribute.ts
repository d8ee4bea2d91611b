/** @module */
import type { AttributeProto } from "../proto/onnx_pb.ts";
import { allAttributeKinds } from "./all_attribute_kinds.ts";
import { type AttributeKind, NEWEST_KNOWN_OPSET } from "./attribute_kinds.ts";
import { type AttributeValue, float, makeAttribute } from "./attributes.ts";
import { OnnxError } from "./onnx_error.ts";

/** The operator that an attribute belongs to. */
export interface Owner {
  readonly opType: string;
  readonly domain: string;
  readonly opset: number;
}

const WORDS: Readonly<Record<AttributeKind, string>> = {
  f: "a number",
  i: "a whole number",
  s: "a string",
  t: "a tensor",
  g: "a graph",
  F: "a list of numbers",
  I: "a list of whole numbers",
  S: "a list of strings",
  x: "a sparse tensor",
  y: "a type",
};

/**
 * An attribute in the type that the operator's schema gives it, so that 0.1 and 1 are floats where
 * floats are wanted.
 *
 * @throws {OnnxError} For a value of another kind, and for an attribute that the operator does not have.
 */
export function typedAttribute(
  { opType, domain, opset }: Owner,
  name: string,
  value: AttributeValue,
): AttributeProto {
  const refuse = (why: string): never => {
    throw new OnnxError(`Cannot add ${opType}: attribute "${name}" ${why}`);
  };
  const kinds = allAttributeKinds(opType, domain);
  const kind = kinds?.get(name);
  if (kind === undefined && kinds !== undefined && opset <= NEWEST_KNOWN_OPSET) {
    const names = [...kinds.keys()].join(", ");
    refuse(`is none of the operator's${names === "" ? ", which has none" : ` (${names})`}`);
  }
  const given = kindOf(value);
  if (given === undefined) {
    refuse(`is ${describe(value)}, expected a number, a string, a tensor or a list`);
  }
  if (kind === undefined) {
    if (given !== "number" && given !== "numbers") return makeAttribute(name, value);
    const whole = [value].flat().every((v) => Number.isSafeInteger(v));
    if (whole) return makeAttribute(name, value);
    const form = given === "number"
      ? `float(${value}), or { float: ${value} }`
      : `{ floats: [${value}] }`;
    return refuse(
      `is ${describe(value)}: the operator's types are not known, write ${form}, for floats`,
    );
  }
  const numbers = [value].flat() as number[];
  const fits: boolean = ({
    f: given === "number" || given === "float",
    i: given === "number" && Number.isSafeInteger(value),
    s: given === "string",
    t: given === "tensor",
    F: given === "numbers" || given === "floats" || given === "empty",
    I: given === "empty" || (given === "numbers" && numbers.every((v) => Number.isSafeInteger(v))),
    S: given === "strings" || given === "empty",
    g: false,
    x: false,
    y: false,
  })[kind];
  if (!fits) refuse(`is ${describe(value)}, expected ${WORDS[kind]}`);
  if (kind === "f" && given === "number") return makeAttribute(name, float(value as number));
  if (kind === "F" && given !== "floats") return makeAttribute(name, { floats: numbers });
  return makeAttribute(name, value);
}

function kindOf(value: AttributeValue) {
  if (typeof value === "number" || typeof value === "string") return typeof value;
  if (value === null || typeof value !== "object") return undefined;
  if ("float" in value) return typeof value.float === "number" ? "float" : undefined;
  if ("floats" in value) return "floats";
  if ("dataType" in value) return "tensor";
  if (!Array.isArray(value)) return undefined;
  if (value.length === 0) return "empty";
  if (value.every((v) => typeof v === "number")) return "numbers";
  return value.every((v) => typeof v === "string") ? "strings" : undefined;
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value}]`;
  if (value !== null && typeof value === "object") {
    return "float" in value ? `float(${value.float})` : "an object";
  }
  return String(value);
}
