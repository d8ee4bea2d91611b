/** @module */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** The repository's root. */
export const root: string = dirname(dirname(dirname(import.meta.dirname!)));

/** What is read here of a package.json. */
export interface PackageJson {
  readonly name: string;
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
}

/** The package.json in a directory. */
export function packageJson(directory: string): PackageJson {
  return JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
}

/** Tests and their helpers are not built. */
export const isTest = (file: string): boolean =>
  /(_test|(^|\/)_testing)\.ts$|(^|\/)scenarios\//.test(file);

/** What a package's tsconfig.json leaves out: no glob patterns, which isTest() stands for. */
function unbuilt(directory: string): readonly string[] {
  const file = join(directory, "tsconfig.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).exclude ?? [] : [];
}

function sources(
  directory: string,
  below = "",
  excluded: readonly string[] = ["dist", "node_modules", ...unbuilt(directory)],
): string[] {
  return readdirSync(join(directory, below), { withFileTypes: true }).flatMap((entry) => {
    const path = below + entry.name;
    if (entry.isDirectory()) {
      return excluded.includes(path) ? [] : sources(directory, `${path}/`, excluded);
    }
    return path.endsWith(".ts") && !isTest(path) ? [path] : [];
  });
}

/** Says which source of the public packages is not built as it is now; undefined if all are. */
export function staleness(directory: string = root): string | undefined {
  const packages = join(directory, "packages");
  for (const name of readdirSync(packages).sort()) {
    const home = join(packages, name);
    if (!existsSync(join(home, "package.json")) || packageJson(home).private) continue;
    for (const source of sources(home)) {
      const output = join(home, "dist", source.replace(/\.ts$/, ".js"));
      if (!existsSync(output)) return `packages/${name}/${source} is not built`;
      if (statSync(output).mtimeMs < statSync(join(home, source)).mtimeMs) {
        return `packages/${name}/${source} is newer than its output`;
      }
    }
  }
  return undefined;
}

/**
 * Builds the packages if they are not built as they are now; one process at a time.
 *
 * @throws {Error} With what the build printed, if it fails.
 */
export async function ensureBuilt(): Promise<void> {
  using lock = await Deno.open(join(root, "node_modules", ".precond-build.lock"), {
    create: true,
    write: true,
  });
  // The system lets go of it also if the process dies.
  await lock.lock(true);
  const reason = staleness();
  if (!reason) return;
  console.error(`${reason}: building the packages first, which takes a minute`);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "tools/task.ts", "build"],
    cwd: root,
    signal: AbortSignal.timeout(900_000), // only stops a hang
  }).output();
  if (code === 0) return;
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  throw new Error(`Cannot build the packages (${reason}): exit code is ${code}\n${out}${err}`);
}
