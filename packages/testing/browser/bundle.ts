/** @module */
import * as esbuild from "esbuild";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureBuilt, isTest, packageJson, root } from "./built.ts";

/**
 * The output of a public package's source, which must be one of its exports; undefined for every
 * other file.
 */
function outputOf(file: string): string | undefined {
  const path = relative(root, file).replaceAll("\\", "/");
  const [, home, source] = /^(packages\/[^/]+)\/(.+)\.ts$/.exec(path) ?? [];
  if (!home || !source || isTest(path)) return undefined;
  const { name, private: own, exports } = packageJson(join(root, home));
  if (own) return undefined;
  const output = `./dist/${source}.js`;
  if (!Object.values(exports).some((entry) => entry.default === output)) {
    throw new Error(`Cannot bundle ${path}: pages get what ${name} exports, and it is no export`);
  }
  return join(root, home, output);
}

const plugin: esbuild.Plugin = {
  name: "precond",
  setup(build) {
    build.onResolve({ filter: /^\.\.?\/.+\.ts$/ }, ({ path, resolveDir }) => {
      const output = outputOf(resolve(resolveDir, path));
      return output ? { path: output } : undefined;
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
 * One ES module of an entry and all that it imports. Private code is taken from its source; of the
 * public packages what they export is taken, as it is built, also where a test's helper imports
 * "./mod.ts".
 *
 * @throws {Error} If something cannot be built or found.
 */
export function bundle(entry: URL): Promise<string> {
  const path = fileURLToPath(entry);
  let code = bundles.get(path);
  if (!code) bundles.set(path, code = build(path));
  return code;
}

async function build(path: string): Promise<string> {
  await ensureBuilt();
  try {
    const { outputFiles } = await esbuild.build({
      entryPoints: [path],
      absWorkingDir: dirname(path),
      bundle: true,
      write: false,
      format: "esm",
      target: "es2022",
      plugins: [plugin],
      logLevel: "silent", // what it throws says it all
    });
    return outputFiles[0]!.text;
  } finally {
    await esbuild.stop();
  }
}
