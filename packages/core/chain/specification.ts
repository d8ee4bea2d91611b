/**
 * Definitions as JSON, so that hosts can store an optimizer with a model.
 *
 * @module
 */

/** A JSON value. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** How a piece was made: the name of its factory and the arguments. */
export interface Specification {
  readonly make: string;
  readonly with: readonly Json[];
}

/** Something that knows how it was made. */
export interface Specified {
  /** Absent if an argument cannot be written as JSON (a function of the caller's). */
  readonly spec?: Specification;
}

const unwritable = Symbol("unwritable");

function encode(value: unknown): Json | typeof unwritable {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") {
    return Number.isFinite(value) ? value : { $number: String(value) };
  }
  if (value instanceof RegExp) return { $regexp: [value.source, value.flags] };
  if (Array.isArray(value)) {
    const items = value.map(encode);
    return items.includes(unwritable) ? unwritable : items as Json[];
  }
  const { spec } = value as Specified;
  if (spec) return { $make: spec.make, $with: spec.with };
  if (typeof value === "function") return unwritable;
  return encodeRecord(value as object);
}

function encodeRecord(value: object): Json | typeof unwritable {
  const entries = Object.entries(value)
    .filter(([, v]) => v !== undefined)
    .map(([key, v]) => [key, encode(v)] as const);
  return entries.some(([, v]) => v === unwritable)
    ? unwritable
    : Object.fromEntries(entries) as Json;
}

/** The `spec` entry of a piece made by `make(...args)`; empty if that cannot be written. */
export function specify(make: string, ...args: readonly unknown[]): Specified {
  const encoded = args.map(encode);
  return encoded.includes(unwritable) ? {} : { spec: { make, with: encoded as Json[] } };
}

/** A factory of pieces. */
// deno-lint-ignore no-explicit-any
export type Maker = (...args: any[]) => unknown;

/**
 * Makes what was specified.
 *
 * @throws {TypeError} If a factory is unknown.
 */
export function make(spec: Specification, makers: Readonly<Record<string, Maker>>): unknown {
  const decode = (value: Json): unknown => {
    if (value === null || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map(decode);
    const record = value as { readonly [key: string]: Json };
    if (typeof record.$make === "string") {
      return make({ make: record.$make, with: record.$with as readonly Json[] }, makers);
    }
    if (typeof record.$number === "string") return Number(record.$number);
    if (Array.isArray(record.$regexp)) {
      return new RegExp(record.$regexp[0] as string, record.$regexp[1] as string);
    }
    return Object.fromEntries(Object.entries(record).map(([key, v]) => [key, decode(v)]));
  };
  const maker = Object.hasOwn(makers, spec.make) ? makers[spec.make] : undefined;
  if (!maker || !Array.isArray(spec.with)) {
    throw new TypeError(
      `Cannot make the optimizer: "${spec.make}" is unknown; known are ${
        Object.keys(makers).join(", ")
      }`,
    );
  }
  return maker(...spec.with.map(decode));
}
