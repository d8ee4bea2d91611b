/**
 * Keeps deno.json and package.json of every package in step. package.json is what lerna bumps, so
 * deno.json follows it; ranges between our packages follow the versions, and the
 * fields for resolvers that do not know "exports" follow those. What is published names its homepage,
 * where to report bugs, and has the changelog.
 *
 * `--write` mends; without it every difference is listed and the exit code is 1.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Manifest, type Package, readPackages } from "./_packages.ts";
import { root } from "./_run.ts";

/** One field of one manifest that is not what it should be; `expected` undefined: remove it. */
export interface Difference {
  readonly file: string;
  readonly field: readonly string[];
  readonly current: unknown;
  readonly expected: unknown;
}

/** Lists what is out of step in the repository at `directory`. */
export function compareManifests(directory: string): Difference[] {
  const packages = readPackages(directory);
  const versions = new Map(packages.map((p) => [p.npm.name, p.npm.version]));
  return packages.flatMap((p) => [
    ...compareRanges(p, versions),
    ...compareOldFields(p),
    ...compareSigns(p),
    ...compareDeno(p),
  ]);
}

/** Writes the expected values. */
export function mendManifests(directory: string, differences: readonly Difference[]): void {
  for (const file of new Set(differences.map((d) => d.file))) {
    const path = join(directory, file);
    const manifest = JSON.parse(Deno.readTextFileSync(path));
    for (const d of differences) if (d.file === file) set(manifest, d.field, d.expected);
    writeFileSync(path, JSON.stringify(manifest, null, 2) + "\n");
  }
}

export function describe(d: Difference): string {
  const [current, expected] = [d.current, d.expected].map((v) => JSON.stringify(v) ?? "absent");
  return `${d.file}: ${d.field.join(".")} is ${current}, expected ${expected}`;
}

const DEPENDENCY_FIELDS = [
  "dependencies",
  "devDependencies",
  "peerDependencies",
  "optionalDependencies",
] as const;

const TESTS = "**/*_test.ts";
const CHANGELOG = "CHANGELOG.md";

/** All packages share the root's changelog. */
const COPY = `node -e "require('node:fs').copyFileSync('../../${CHANGELOG}', '${CHANGELOG}')"`;

function* compareRanges(p: Package, versions: Map<string | undefined, string | undefined>) {
  for (const field of DEPENDENCY_FIELDS) {
    for (const [name, current] of Object.entries(p.npm[field] ?? {})) {
      const version = versions.get(name);
      // "*" in a private package means whatever is in the workspace.
      if (!version || (p.npm.private && current === "*")) continue;
      const path = [field, name];
      yield* unequal(`${p.directory}/package.json`, path, current, `^${version}`);
    }
  }
}

/** What resolvers read that do not know "exports": TypeScript with moduleResolution "node", webpack 4. */
function* compareOldFields({ directory, npm }: Package): Generator<Difference> {
  if (npm.private || typeof npm.exports !== "object") return;
  const file = `${directory}/package.json`;
  const types: Record<string, string[]> = {};
  for (const [key, entry] of Object.entries(npm.exports)) {
    if (typeof entry === "string") continue;
    if (key === ".") {
      yield* unequal(file, ["main"], npm.main, entry.default);
      yield* unequal(file, ["types"], npm.types, entry.types);
    } else types[key.slice(2)] = [entry.types!];
  }
  const expected = Object.keys(types).length > 0 ? { "*": types } : undefined;
  yield* unequal(file, ["typesVersions"], npm.typesVersions, expected);
}

/** Where a published package points to, and that the changelog is in it. */
function* compareSigns({ directory, npm }: Package): Generator<Difference> {
  if (npm.private) return;
  const file = `${directory}/package.json`;
  const home = npm.repository?.url.replace(/^git\+|\.git$/g, "");
  const homepage = `${home}/tree/main/${directory}#readme`;
  yield* unequal(file, ["homepage"], npm.homepage, homepage);
  yield* unequal(file, ["bugs"], npm.bugs, `${home}/issues`);
  const { files = [] } = npm;
  const whole = files.includes(CHANGELOG) ? files : [...files, CHANGELOG];
  yield* unequal(file, ["files"], npm.files, whole);
  const scripts = { ...npm.scripts, prepack: COPY };
  yield* unequal(file, ["scripts"], npm.scripts, scripts);
}

function* compareDeno({ directory, npm, deno }: Package): Generator<Difference> {
  if (!deno) return;
  const file = `${directory}/deno.json`;
  for (const field of ["name", "version", "license"] as const) {
    yield* unequal(file, [field], deno[field], npm[field]);
  }
  yield* compareExports(directory, npm, deno);
  // Tests import what JSR does not have; `false` keeps `deno publish` from taking a private package.
  const exclude = (deno.publish || {}).exclude ?? [];
  const published = exclude.includes(TESTS) ? deno.publish : { exclude: [...exclude, TESTS] };
  yield* unequal(file, ["publish"], deno.publish, npm.private ? false : published);
}

function* compareExports(directory: string, npm: Manifest, deno: Manifest): Generator<Difference> {
  const sources: Record<string, string> = {};
  const entries = typeof npm.exports === "string" ? { ".": npm.exports } : npm.exports ?? {};
  for (const [key, entry] of Object.entries(entries)) {
    if (key === "./package.json") continue;
    const file = typeof entry === "string" ? entry : entry.default ?? "";
    sources[key] = file.replace(/^\.\/dist\/(.*)\.js$/, "./$1.ts");
    if (typeof entry !== "string") {
      const types = file.replace(/\.js$/, ".d.ts");
      const path = ["exports", key, "types"];
      yield* unequal(`${directory}/package.json`, path, entry.types, types);
    }
  }
  yield* unequal(`${directory}/deno.json`, ["exports"], deno.exports, sources);
}

function* unequal(
  file: string,
  field: readonly string[],
  current: unknown,
  expected: unknown,
): Generator<Difference> {
  if (JSON.stringify(current) !== JSON.stringify(expected)) {
    yield { file, field, current, expected };
  }
}

// deno-lint-ignore no-explicit-any
function set(target: any, [key, ...rest]: readonly string[], value: unknown): void {
  if (rest.length > 0) set(target[key!], rest, value);
  else target[key!] = value; // JSON.stringify leaves out what is undefined
}

if (import.meta.main) {
  const differences = compareManifests(root);
  const write = Deno.args.includes("--write");
  if (write) mendManifests(root, differences);
  for (const d of differences) console.error(`${write ? "Mended " : ""}${describe(d)}`);
  if (differences.length > 0 && !write) Deno.exit(1);
}
