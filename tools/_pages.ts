import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./_run.ts";

/** The files below a folder, from the repository's root, that git would track. */
export function filesIn(directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = directory === "." ? entry.name : `${directory}/${entry.name}`;
    if (!entry.isDirectory()) return [path];
    return /^(node_modules|dist|out|packs|\.git)$/.test(entry.name) ? [] : filesIn(path);
  });
}

/** The text of a file of the repository. */
export const textOf = (path: string): string => readFileSync(join(root, path), "utf8");

/** Every page that git would track, by its path from the repository's root. */
export function pages(): Map<string, string> {
  const paths = filesIn(".").filter((path) =>
    path.endsWith(".md") && !/^packages\/.*\/CHANGELOG\.md$/.test(path)
  );
  return new Map(paths.map((path) => [path, textOf(path)]));
}
