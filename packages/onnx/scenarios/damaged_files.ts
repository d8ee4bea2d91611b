/**
 * Damaged files: seeded mutations of bytes and of messages.
 *
 * @module
 */
import { random } from "@precond/testing";
import assert from "node:assert/strict";
import { OnnxError } from "../model/onnx_error.ts";
import { readModel, writeModel } from "../model/read_model.ts";

/** A seeded source of integers below a bound. */
export interface Dice {
  below(bound: number): number;
  pick<T>(list: readonly T[]): T;
}

/** Dice for one mutation. */
export function dice(seed: number): Dice {
  const source = random(seed);
  const below = (bound: number) => Math.min(bound - 1, Math.floor(source.uniform() * bound));
  return { below, pick: (list) => list[below(list.length)]! };
}

/** One to four of: bits flipped, bytes replaced, cuts, splices, edited lengths, doubled chunks. */
export function mutateBytes(original: Uint8Array, { below, pick }: Dice): Uint8Array {
  let bytes = original.slice();
  for (let times = 1 + below(4); times > 0 && bytes.length > 0; times--) {
    const at = below(bytes.length);
    const length = 1 + below(Math.min(64, bytes.length - at));
    const chunk = bytes.subarray(at, at + length);
    switch (below(7)) {
      case 0:
        bytes[at]! ^= 1 << below(8);
        break;
      case 1:
        bytes[at] = pick([0, 1, 0x7f, 0x80, 0xff]);
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes = concat(bytes.subarray(0, at), bytes.subarray(at + length));
        break;
      case 4:
        bytes = concat(bytes.subarray(0, at), chunk, bytes.subarray(at));
        break;
      case 5: {
        const to = below(bytes.length);
        bytes = concat(
          bytes.subarray(0, to),
          chunk,
          bytes.subarray(Math.min(bytes.length, to + length)),
        );
        break;
      }
      default: {
        // A length or an offset of four bytes, or a long varint.
        const value = pick([[0xff, 0xff, 0xff, 0xff, 0x0f], [0xff, 0xff, 0xff, 0x7f], [
          0,
          0,
          0,
          0x80,
        ]]);
        bytes.set(value.slice(0, bytes.length - at), at);
      }
    }
  }
  return bytes;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

type Slot = { readonly parent: Record<string, unknown> | unknown[]; readonly key: string | number };

/** Every field and element of a message, but single bytes. */
function slotsOf(parent: unknown, found: Slot[] = []): Slot[] {
  if (typeof parent !== "object" || parent === null || parent instanceof Uint8Array) return found;
  for (const [key, value] of Object.entries(parent)) {
    if (key.startsWith("$") || key === "case") continue;
    found.push({ parent: parent as Record<string, unknown>, key });
    slotsOf(value, found);
  }
  return found;
}

const BIG = [
  0n,
  1n,
  -1n,
  2n,
  3n,
  7n,
  2n ** 31n,
  2n ** 32n + 1n,
  2n ** 62n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];
const INTEGERS = [0, 1, -1, 2, 6, 7, 9, 10, 16, 2 ** 31 - 1, -(2 ** 31)];
const FLOATS = [0, -0, 1, NaN, Infinity, -Infinity, 1e38, -1];

/** A well-formed file with one to three fields that make no sense. */
export function mutateModel(original: Uint8Array, { below, pick }: Dice): Uint8Array {
  const model = readModel(original);
  for (let times = 1 + below(3); times > 0; times--) {
    const slots = slotsOf(model);
    const { parent, key } = pick(slots);
    const target = parent as Record<string | number, unknown>;
    const value = target[key];
    if (typeof value === "string") {
      const names = slots.map((s) => (s.parent as Record<string | number, unknown>)[s.key])
        .filter((v) => typeof v === "string");
      target[key] = below(4) === 0 ? "" : pick(names);
    } else if (typeof value === "bigint") target[key] = pick(BIG);
    else if (typeof value === "number") {
      target[key] = pick(Number.isInteger(value) ? INTEGERS : FLOATS);
    } else if (value instanceof Uint8Array) {
      target[key] = value.subarray(0, below(value.length + 1));
    } else if (Array.isArray(value)) mutateList(value, { below, pick });
    else if (!Array.isArray(parent) && below(2) === 0) target[key] = undefined;
  }
  return writeModel(model);
}

function mutateList(list: unknown[], { below, pick }: Dice): void {
  if (list.length === 0) return;
  const at = below(list.length);
  switch (below(4)) {
    case 0:
      list.splice(at, 1);
      break;
    case 1:
      list.splice(at, 0, pick(list));
      break;
    case 2:
      list.length = at;
      break;
    default: {
      const other = below(list.length);
      [list[at], list[other]] = [list[other], list[at]];
    }
  }
}

/** What a run over damaged files found. */
export interface FuzzReport {
  readonly accepted: number;
  readonly refused: number;
}

/** Longest that one small file may take, with a machine under load in mind. */
const PATIENCE = 5000;
/** Memory that the whole run may hold on to. */
const MEMORY = 600e6;

/** Heap and array buffers: the process has those of tests that run beside this one, too. */
function memoryOfThisTest(): number {
  const { heapTotal, external } = Deno.memoryUsage();
  return heapTotal + external;
}

/** Runs `use` on each file: it succeeds or throws an OnnxError, in time and within memory. */
export function fuzz(
  count: number,
  make: (seed: number) => Uint8Array,
  use: (bytes: Uint8Array) => void,
): FuzzReport {
  const before = memoryOfThisTest();
  let [accepted, refused] = [0, 0];
  for (let seed = 1; seed <= count; seed++) {
    let bytes: Uint8Array;
    try {
      bytes = make(seed);
    } catch {
      continue; // a mutation that cannot be written
    }
    const start = performance.now();
    try {
      use(bytes);
      accepted++;
    } catch (error) {
      if (!(error instanceof OnnxError)) {
        throw new Error(`seed ${seed}: ${(error as Error).stack}`, { cause: error });
      }
      refused++;
    }
    const time = performance.now() - start;
    assert.ok(time < PATIENCE, `seed ${seed} took ${time} ms`);
    if (seed % 250 === 0) {
      const grown = memoryOfThisTest() - before;
      assert.ok(grown < MEMORY, `seed ${seed}: ${grown} bytes of memory`);
    }
  }
  return { accepted, refused };
}
