/**
 * Plain text, one character after another.
 *
 * @module
 */
import { hashOf } from "../hash.ts";
import type { Examples } from "./digits.ts";

/** A text, and what tells it from others. */
export interface Text {
  /** For people. */
  readonly name: string;
  readonly content: string;
  readonly bytes: number;
  readonly hash: string;
}

/** A text under a name. */
export function textOf(name: string, content: string): Text {
  return { name, content, bytes: new TextEncoder().encode(content).length, hash: hashOf(content) };
}

/** The line break, printable ASCII, and one for all other characters. */
export const symbols = 97;

/** Numbers of a text's characters. */
export function numbersOf(content: string): Uint8Array {
  return Uint8Array.from(content, (character) => {
    const code = character.codePointAt(0)!;
    if (code === 10) return 0;
    return code >= 32 && code < 127 ? code - 31 : symbols - 1;
  });
}

/** Shares of a text, from its start to its end. */
const shares = { train: [0, 0.8], validation: [0.8, 0.9], test: [0.9, 1] } as const;

/** Windows of the shortest part: with fewer its loss says nothing. */
const fewestWindows = 10;

/**
 * A text in windows of `length` characters side by side, the next character of each being its label.
 * No character of the test is among those of the training.
 *
 * @throws {RangeError} If the text is too short.
 */
export function windowsOf(
  { name, content }: Text,
  length: number,
): Readonly<Record<keyof typeof shares, Examples>> {
  const numbers = numbersOf(content);
  const least = Math.ceil(fewestWindows * 10 * (length + 1) * 1.01);
  if (numbers.length < least) {
    throw new RangeError(
      `Cannot train on the text "${name}": it has ${numbers.length} characters, at least ${least} are needed`,
    );
  }
  const windows = ([from, to]: readonly [number, number]): Examples => {
    const part = numbers.subarray(
      Math.round(from * numbers.length),
      Math.round(to * numbers.length),
    );
    const count = Math.floor((part.length - 1) / length);
    return {
      count,
      features: length,
      x: Float32Array.from(part.subarray(0, count * length)),
      y: Int32Array.from(part.subarray(1, count * length + 1)),
    };
  };
  return {
    train: windows(shares.train),
    validation: windows(shares.validation),
    test: windows(shares.test),
  };
}

/**
 * Reads the text of a file.
 *
 * @throws {Error} If there is none.
 */
export function readText(path: string): Text {
  try {
    return textOf(path, Deno.readTextFileSync(path));
  } catch (error) {
    throw new Error(`Cannot read the text "${path}": ${(error as Error).message}`);
  }
}

let guide: Text | undefined;

/**
 * What is read unless another text is given: this repository's README.md and docs/*.md without the
 * generated tables, as they once were. A file of its own, so that rows stay the same when a page
 * changes. Read once.
 */
export function guideText(): Text {
  // Wherever it was checked out, a line ends alike.
  const read = () => Deno.readTextFileSync(new URL("./text.txt", import.meta.url));
  return guide ??= textOf("the guide of precond", read().replaceAll("\r\n", "\n"));
}
