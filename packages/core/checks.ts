/**
 * Checks of what callers give: one form of message for the whole repository.
 *
 * @module
 */
import { nearestName } from "./nearest_name.ts";

/** What a value must be; `kinds.ts` has the common ones. */
export interface Kind {
  /** Goes after "must": "be in [0, 1)". */
  readonly must: string;
  /** Whether the value has the right type: else it is refused by a TypeError. */
  type(value: unknown): boolean;
  /** Whether a value of the right type is allowed: else it is refused by a RangeError. */
  range?(value: never): boolean;
  /** What to write instead of a value that is refused, where that can be known. */
  hint?(value: unknown): string | undefined;
}

/** A kind for each option. */
export type Kinds<T> = { readonly [K in keyof Required<T>]: Kind };

/** A value as messages show it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return value.name ? `the function ${value.name}` : "a function";
  if (Array.isArray(value)) return `the array [${value.length > 8 ? "…" : value.map(shown)}]`;
  if (typeof value !== "object" || value === null) return String(value);
  // Of a host's arrays it is the shape that tells.
  const { shape } = value as { shape?: unknown };
  if (Array.isArray(shape)) return `an object of shape [${shape}]`;
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  return tag === "RegExp" ? String(value) : tag === "Object" ? "an object" : `an object (${tag})`;
}

/** What to write instead of a factory that was not called, or what the kind itself says. */
function hintFor(kind: Kind, value: unknown): string {
  const called = typeof value === "function" && /^[a-z]\w*$/.test(value.name)
    ? `call it: ${value.name}()`
    : undefined;
  const hint = kind.hint?.(value) ?? called;
  return hint === undefined ? "" : `; ${hint}`;
}

/**
 * Refuses a value that is not of its kind.
 *
 * @throws {TypeError} For a wrong type.
 * @throws {RangeError} For a number or a word out of range.
 */
export function checkValue(action: string, value: unknown, kind: Kind, name: string): void {
  const typed = kind.type(value);
  if (typed && (!kind.range || kind.range(value as never))) return;
  const message = `Cannot ${action}: ${name} must ${kind.must}, current value is ${shown(value)}` +
    hintFor(kind, value);
  throw typed ? new RangeError(message) : new TypeError(message);
}

/** Whether an object is written as `{ … }`; those of other realms are. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** How a value given in place of the options is written: under the first name that takes it. */
function written(value: unknown, kinds: Readonly<Record<string, Kind>>): string {
  const takes = (kind: Kind) => kind.type(value) && (!kind.range || kind.range(value as never));
  const name = typeof value === "object" || value === undefined
    ? undefined
    : Object.keys(kinds).find((key) => takes(kinds[key]!));
  return name === undefined
    ? `{ ${Object.keys(kinds)[0]}: … }`
    : `{ ${name}: ${typeof value === "function" ? value.name || "…" : shown(value)} }`;
}

/**
 * Refuses options that are no plain object, have unknown names, or values not of their kind.
 * An option that is undefined is as one left out.
 *
 * @returns The options given, without those that are undefined: spread them over the defaults.
 *
 * @throws {TypeError} For what is no plain object, an unknown name (with the nearest known one), a
 * missing required option and a value of the wrong type.
 * @throws {RangeError} For a number or a word out of range.
 *
 * @example
 * ```ts
 * import { checkOptions, kinds } from "@precond/core/backend";
 * import assert from "node:assert/strict";
 *
 * const known = { learningRate: kinds.rate, beta1: kinds.decay };
 * const check = (options: object) => checkOptions("make adam", options, known);
 * assert.deepEqual(check({ beta1: 0.5, learningRate: undefined }), { beta1: 0.5 });
 * assert.throws(() => check({ lr: 0.5 }), {
 *   name: "TypeError",
 *   message: 'Cannot make adam: "lr" is no option, did you mean learningRate? ' +
 *     "Options are learningRate, beta1",
 * });
 * ```
 */
export function checkOptions<T extends object>(
  action: string,
  options: T | undefined,
  kinds: Kinds<T>,
  required: readonly (keyof T & string)[] = [],
): T {
  const known = kinds as Readonly<Record<string, Kind>>;
  const names = Object.keys(known);
  if (options !== undefined && !isPlain(options)) {
    throw new TypeError(
      `Cannot ${action}: options must be an object such as ${written(options, known)}, ` +
        `current value is ${shown(options)}`,
    );
  }
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    if (!Object.hasOwn(known, name)) {
      const near = nearestName(name, names);
      throw new TypeError(
        `Cannot ${action}: ${JSON.stringify(name)} is no option` +
          (near === undefined ? "" : `, did you mean ${near}?`) +
          (near === undefined ? "; options are " : " Options are ") + names.join(", "),
      );
    }
    checkValue(action, value, known[name]!, name);
  }
  const present = new Set(given.map(([name]) => name));
  const missing = required.find((name) => !present.has(name));
  if (missing !== undefined) {
    throw new TypeError(
      `Cannot ${action}: ${missing} must ${known[missing]!.must}, but it is not given`,
    );
  }
  return Object.fromEntries(given) as T;
}

/** Refuses arguments that a function does not have, such as the options of its siblings. */
export function checkNone(action: string, given: readonly unknown[], why: string): void {
  if (given.every((value) => value === undefined)) return;
  throw new TypeError(
    `Cannot ${action}: it has no options, current value is ${shown(given[0])}; ${why}`,
  );
}
