/** @module */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname!, "../../..");

/** A block of code of a page in Markdown. */
export interface Block {
  /** What stands behind the fence, as "ts" or "ts ignore"; empty if nothing does. */
  readonly info: string;
  /** The line of the fence, from 1. */
  readonly line: number;
  readonly code: string;
}

/** The fenced blocks of a page. */
export function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^( *)(```+)(.*)\n([^]*?)^ *\2 *$/gm)].map((match) => ({
    info: match[3]!.trim(),
    line: text.slice(0, match.index).split("\n").length,
    code: match[4]!,
  }));
}

/**
 * The code that a page of the repository shows, for a test that runs it where `deno test --doc`
 * cannot: the one block that begins with `start`. tools/snippets_test.ts holds every page to it that
 * each of its blocks is run somewhere: it finds these calls in tests, so that both arguments are
 * string literals.
 *
 * @throws {Error} If none does, or several do.
 */
export function snippet(page: string, start: string): string {
  const all = blocksOf(readFileSync(join(root, page), "utf8"));
  const found = all.filter(({ code }) => code.startsWith(start));
  if (found.length !== 1) {
    throw new Error(
      `Cannot take the code of ${page}: ${found.length} blocks begin with "${start}", expected is one`,
    );
  }
  return found[0]!.code;
}
