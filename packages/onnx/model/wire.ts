/** @module */
import { FIELDS } from "../proto/fields.ts";

/** The first thing in a file that the wire format or its schema does not allow. */
export interface WireFault {
  readonly offset: number;
  /** What is wrong, for an error message. */
  readonly why: string;
}

/** Deepest nesting of messages: what protocol buffers libraries allow by default. */
export const DEEPEST_MESSAGE = 100;

const VARINT = 0, BIT64 = 1, LENGTH_DELIMITED = 2, START_GROUP = 3, END_GROUP = 4, BIT32 = 5;

/** Wire type by kind of field. */
const WIRE_TYPE_OF: Readonly<Record<string, number>> = { v: VARINT, d: BIT64, f: BIT32 };

interface Field {
  readonly message: string;
  readonly number: number;
  readonly name: string;
  /** As in `FIELDS`. */
  readonly kind: string;
  readonly repeated: boolean;
}

const fieldMaps = new Map<string, ReadonlyMap<number, Field>>();

function fieldsOf(message: string): ReadonlyMap<number, Field> {
  let map = fieldMaps.get(message);
  if (map === undefined) {
    const fields = FIELDS[message]!.split(",").map((field) => {
      const [number, kind, name] = field.split(" ") as [string, string, string];
      const repeated = kind.endsWith("*");
      return { message, number: +number, name, kind: kind.replace("*", ""), repeated };
    });
    map = new Map(fields.map((field) => [field.number, field]));
    fieldMaps.set(message, map);
  }
  return map;
}

/**
 * Walks over a message without decoding it. The library reads a nested message past the end of its
 * parent and takes any wire type for a field, so that a damaged file could pass as another model; and
 * its errors do not say where. Large fields are skipped, nothing is allocated.
 *
 * @param message Its name in the schema.
 * @param text Also checks that strings are UTF-8.
 */
export function findFault(
  bytes: Uint8Array,
  message: string,
  text = false,
): WireFault | undefined {
  return new Walker(bytes, text).message(0, bytes.length, message, 1);
}

class Walker {
  readonly #bytes: Uint8Array;
  readonly #text: boolean;
  /** Where the last varint ended. */
  #next = 0;

  constructor(bytes: Uint8Array, text: boolean) {
    this.#bytes = bytes;
    this.#text = text;
  }

  /** A varint's low 32 bits, -1 where it does not end before `end` or within ten bytes. */
  #varint(at: number, end: number): number {
    let value = 0;
    for (let k = 0; k < 10 && at + k < end; k++) {
      const byte = this.#bytes[at + k]!;
      // Multiplied: a shift would wrap at 32 bits.
      if (k < 5) value += (byte & 0x7f) * 2 ** (7 * k);
      if (byte < 0x80) {
        this.#next = at + k + 1;
        return value;
      }
    }
    return -1;
  }

  message(start: number, end: number, message: string, depth: number): WireFault | undefined {
    if (depth > DEEPEST_MESSAGE) {
      return { offset: start, why: `messages are nested more than ${DEEPEST_MESSAGE} deep` };
    }
    const fields = fieldsOf(message);
    let at = start;
    while (at < end) {
      const tag = this.#varint(at, end);
      if (tag < 0) return { offset: at, why: "a field's number does not end" };
      const [number, wireType] = [Math.floor(tag / 8), tag % 8];
      if (number === 0 || number > 0x1fffffff) {
        return { offset: at, why: `field number ${number} of ${message}` };
      }
      const field = fields.get(number);
      const fault = field === undefined
        ? this.#skip(at, end, number, wireType, depth)
        : this.#known(at, end, field, wireType, depth);
      if (fault !== undefined) return fault;
      at = this.#next;
    }
    return undefined;
  }

  /** Checks a field after its tag; afterwards `#next` is where the field ends. */
  #known(
    at: number,
    end: number,
    field: Field,
    wireType: number,
    depth: number,
  ): WireFault | undefined {
    const name = `${field.message}.${field.name}`;
    const expected = WIRE_TYPE_OF[field.kind] ?? LENGTH_DELIMITED;
    const packed = field.repeated && expected !== LENGTH_DELIMITED &&
      wireType === LENGTH_DELIMITED;
    if (wireType !== expected && !packed) {
      return { offset: at, why: `${name} has wire type ${wireType}, expected ${expected}` };
    }
    if (wireType !== LENGTH_DELIMITED) return this.#skip(at, end, field.number, wireType, depth);
    const length = this.#varint(this.#next, end);
    if (length < 0) return { offset: at, why: `the length of ${name} does not end` };
    const from = this.#next;
    const to = from + length;
    if (to > end) {
      return { offset: at, why: `${name} has ${length} bytes, ${end - from} are left` };
    }
    if (field.kind in FIELDS) {
      const fault = this.message(from, to, field.kind, depth + 1);
      if (fault !== undefined) return fault;
    } else if (packed) {
      const fault = this.#packed(from, to, expected, name);
      if (fault !== undefined) return fault;
    } else if (this.#text && field.kind === "s") {
      try {
        new TextDecoder("utf-8", { fatal: true }).decode(this.#bytes.subarray(from, to));
      } catch {
        return { offset: from, why: `${name} is not UTF-8` };
      }
    }
    this.#next = to;
    return undefined;
  }

  #packed(from: number, to: number, wireType: number, name: string): WireFault | undefined {
    const width = wireType === BIT64 ? 8 : wireType === BIT32 ? 4 : 0;
    if (width > 0) {
      if ((to - from) % width === 0) return undefined;
      return { offset: from, why: `${name} has ${to - from} bytes, not a multiple of ${width}` };
    }
    for (let at = from; at < to; at = this.#next) {
      if (this.#varint(at, to) < 0) return { offset: at, why: `a number of ${name} does not end` };
    }
    return undefined;
  }

  #skip(
    at: number,
    end: number,
    number: number,
    wireType: number,
    depth: number,
  ): WireFault | undefined {
    const from = this.#next;
    let to: number;
    if (wireType === VARINT) {
      if (this.#varint(from, end) < 0) return { offset: from, why: `field ${number} does not end` };
      return undefined;
    } else if (wireType === BIT64 || wireType === BIT32) {
      to = from + (wireType === BIT64 ? 8 : 4);
    } else if (wireType === LENGTH_DELIMITED) {
      const length = this.#varint(from, end);
      if (length < 0) return { offset: from, why: `the length of field ${number} does not end` };
      to = this.#next + length;
    } else if (wireType === START_GROUP) {
      return this.#group(from, end, number, depth + 1);
    } else {
      return { offset: at, why: `field ${number} has wire type ${wireType}` };
    }
    if (to > end) return { offset: at, why: `field ${number} ends at ${to}, after ${end}` };
    this.#next = to;
    return undefined;
  }

  #group(start: number, end: number, number: number, depth: number): WireFault | undefined {
    if (depth > DEEPEST_MESSAGE) {
      return { offset: start, why: `groups are nested more than ${DEEPEST_MESSAGE} deep` };
    }
    for (let at = start; at < end; at = this.#next) {
      const tag = this.#varint(at, end);
      if (tag < 0) return { offset: at, why: "a field's number does not end" };
      const [inner, wireType] = [Math.floor(tag / 8), tag % 8];
      if (wireType === END_GROUP) {
        return inner === number
          ? undefined
          : { offset: at, why: `group ${number} ends as ${inner}` };
      }
      if (inner === 0) return { offset: at, why: "field number 0" };
      const fault = this.#skip(at, end, inner, wireType, depth);
      if (fault !== undefined) return fault;
    }
    return { offset: start, why: `group ${number} does not end` };
  }
}
