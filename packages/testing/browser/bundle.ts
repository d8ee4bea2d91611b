/** @module */
import * as esbuild from "esbuild";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureBuilt, isTest, packageJson, root } from "./built.ts";

/** An export of a public package. */
interface Exported {
  /** What imports it by name. */
  readonly specifier: string;
  /** Its built file. */
  readonly path: string;
}

/**
 * The export that a public package's source is, which it must be; undefined for every other file.
 */
function exportOf(file: string): Exported | undefined {
  const path = relative(root, file).replaceAll("\\", "/");
  const [, home, source] = /^(packages\/[^/]+)\/(.+)\.ts$/.exec(path) ?? [];
  if (!home || !source || isTest(path)) return undefined;
  const { name, private: own, exports } = packageJson(join(root, home));
  if (own) return undefined;
  const output = `./dist/${source}.js`;
  const found = Object.entries(exports).find(([, entry]) => entry.default === output);
  if (!found) {
    throw new Error(`Cannot bundle ${path}: tests get what ${name} exports, and it is no export`);
  }
  return { specifier: name + found[0].slice(1), path: join(root, home, output) };
}

/** What runs a bundle. */
export type Platform = "browser" | "node";

const sources = /^\.\.?\/.+\.ts$/;

/** Node.js finds installed packages by itself, ours as they are built. */
const nodePlugin: esbuild.Plugin = {
  name: "precond",
  setup(build) {
    build.onResolve({ filter: sources }, ({ path, resolveDir }) => {
      const found = exportOf(resolve(resolveDir, path));
      return found ? { path: found.specifier, external: true } : undefined;
    });
    build.onResolve(
      { filter: /^[^.]/ },
      ({ path, kind }) =>
        kind === "entry-point" || path.startsWith("@precond/testing")
          ? undefined
          : { path, external: true },
    );
  },
};

const browserPlugin: esbuild.Plugin = {
  name: "precond",
  setup(build) {
    build.onResolve({ filter: sources }, ({ path, resolveDir }) => {
      const found = exportOf(resolve(resolveDir, path));
      return found ? { path: found.path } : undefined;
    });
    build.onResolve({ filter: /^node:assert$/ }, () => ({
      path: join(import.meta.dirname!, "_node_assert.ts"),
    }));
    // Where a used import is left, the page says that it cannot be resolved.
    build.onResolve({ filter: /^node:/ }, ({ path }) => ({
      path,
      external: true,
      sideEffects: false,
    }));
  },
};

const bundles = new Map<string, Promise<string>>();

/**
 * One ES module of an entry and all that it imports; for Node.js, without installed packages.
 * Private code is taken from its source; of the public packages what they export is taken, as it is
 * built, also where a test's helper imports "./mod.ts".
 *
 * @throws {Error} If something cannot be built or found.
 */
export function bundle(entry: URL, platform: Platform = "browser"): Promise<string> {
  const path = fileURLToPath(entry);
  const key = `${platform} ${path}`;
  let code = bundles.get(key);
  if (!code) bundles.set(key, code = build(path, platform));
  return code;
}

async function build(path: string, platform: Platform): Promise<string> {
  await ensureBuilt();
  try {
    const { outputFiles } = await esbuild.build({
      entryPoints: [path],
      absWorkingDir: dirname(path),
      bundle: true,
      write: false,
      format: "esm",
      target: "es2022",
      platform,
      plugins: [platform === "node" ? nodePlugin : browserPlugin],
      logLevel: "silent", // what it throws says it all
    });
    return outputFiles[0]!.text;
  } finally {
    await esbuild.stop();
  }
}
