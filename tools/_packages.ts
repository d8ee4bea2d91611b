import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the tools read of a package.json or a deno.json. */
export interface Manifest {
  name?: string;
  version?: string;
  license?: string;
  private?: boolean;
  homepage?: string;
  bugs?: string;
  repository?: { url: string };
  keywords?: string[];
  files?: string[];
  scripts?: Record<string, string>;
  main?: string;
  types?: string;
  typesVersions?: Record<string, Record<string, string[]>>;
  exports?: string | Record<string, string | Record<string, string>>;
  publish?: false | { exclude?: string[] };
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

/** A member of the npm workspace. */
export interface Package {
  /** From the repository's root, with forward slashes. */
  readonly directory: string;
  readonly npm: Manifest;
  readonly deno: Manifest | undefined;
}

export function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** The members that the root package.json names as "directory" or "directory/*". */
export function readPackages(root: string): Package[] {
  const { workspaces } = readJson<{ workspaces: string[] }>(join(root, "package.json"));
  return workspaces.flatMap((pattern) => expand(root, pattern)).map((directory) => {
    const denoPath = join(root, directory, "deno.json");
    return {
      directory,
      npm: readJson<Manifest>(join(root, directory, "package.json")),
      deno: existsSync(denoPath) ? readJson<Manifest>(denoPath) : undefined,
    };
  });
}

/** The packages that are published. */
export function publicPackages(root: string): Package[] {
  return readPackages(root).filter((p) => !p.npm.private);
}

function expand(root: string, pattern: string): string[] {
  const parent = pattern.replace(/\/\*$/, "");
  const directories = parent === pattern
    ? [pattern]
    : existsSync(join(root, parent))
    ? readdirSync(join(root, parent)).sort().map((name) => `${parent}/${name}`)
    : [];
  return directories.filter((d) => existsSync(join(root, d, "package.json")));
}
