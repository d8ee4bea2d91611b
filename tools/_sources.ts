import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readPackages } from "./_packages.ts";
import { root } from "./_run.ts";
import { importsOf } from "./imports.ts";

/** The texts of all code of the packages and the tools, by path from the repository's root. */
export const sources: ReadonlyMap<string, string> = new Map(
  [...readPackages(root).map((p) => p.directory), "tools"].flatMap(codeIn)
    .map((file) => [file, readFileSync(join(root, file), "utf8")]),
);

/** What each of the sources imports. */
export const specifiers: ReadonlyMap<string, readonly string[]> = new Map(
  [...sources].map(([file, text]) => [file, importsOf(text)]),
);

function codeIn(directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) {
      return /^(node_modules|dist|out)$/.test(entry.name) ? [] : codeIn(path);
    }
    return /\.(ts|tsx|js|mjs)$/.test(entry.name) ? [path] : [];
  });
}
