/** What apps download of the packages: bundled, split and minified by esbuild, compressed by gzip. */
import * as esbuild from "esbuild";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { readJson } from "./_packages.ts";
import { root } from "./_run.ts";

interface Manifest {
  readonly sideEffects?: boolean | readonly string[];
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
}

const home = join(root, "packages");
const manifestOf = (name: string) => readJson<Manifest>(join(home, name, "package.json"));

/** Sources in the place of what is built of them, with the side effects that package.json says. */
const sources: esbuild.Plugin = {
  name: "precond",
  setup(build) {
    const found = (path: string) => {
      const [name, ...rest] = relative(home, path).replaceAll("\\", "/").split("/");
      const built = `./dist/${rest.join("/").replace(/\.ts$/, ".js")}`;
      const { sideEffects = true } = manifestOf(name!);
      return {
        path,
        sideEffects: typeof sideEffects === "boolean" ? sideEffects : sideEffects.includes(built),
      };
    };
    build.onResolve({ filter: /^@precond\// }, ({ path }) => {
      const [, name, ...rest] = path.split("/");
      const entry = manifestOf(name!).exports[[".", ...rest].join("/")]!.default;
      return found(join(home, name!, entry.replace("./dist/", "").replace(/\.js$/, ".ts")));
    });
    build.onResolve(
      { filter: /^\.\.?\/.+\.ts$/ },
      ({ path, resolveDir }) =>
        resolveDir.startsWith(home) ? found(join(resolveDir, path)) : undefined,
    );
  },
};

/** The files of an app, and what they weigh. */
export interface Bundle {
  /**
   * Bytes that the app downloads: those of its entry, and of each file (a part of whose path is given)
   * that it imports later; with all that these import.
   */
  bytes(...later: readonly string[]): number;
  /** Whether something is left of a source, of whose path a part is given. */
  holds(part: string): boolean;
}

/** Bundles an app whose hosts are external. */
export async function bundle(app: string): Promise<Bundle> {
  const { outputFiles, metafile: { outputs } } = await esbuild.build({
    stdin: { contents: app, resolveDir: root, sourcefile: "app.ts", loader: "ts" },
    absWorkingDir: root,
    outdir: "out",
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    minify: true,
    metafile: true,
    write: false,
    external: ["@tensorflow/*", "onnxruntime-*"],
    plugins: [sources],
  });
  await esbuild.stop();
  const paths = Object.keys(outputs);
  // Where the hosts are not external, nothing is imported from them.
  const own = (text: string) =>
    text.replaceAll(/import ?\* ?as \w+ from ?"@tensorflow[^"]*";/g, "");
  const sizes = new Map(outputFiles.map(({ path, text }) => [
    relative(root, path).replaceAll("\\", "/"),
    gzipSync(own(text), { level: 9 }).length,
  ]));
  return {
    holds: (part) =>
      Object.values(outputs).some(({ inputs }) =>
        Object.entries(inputs).some(([path, { bytesInOutput }]) =>
          path.includes(part) && bytesInOutput > 0
        )
      ),
    bytes(...later) {
      const seen = new Set<string>();
      const visit = (path: string) => {
        if (seen.has(path)) return;
        seen.add(path);
        for (const { path: next, kind, external } of outputs[path]!.imports) {
          if (!external && kind === "import-statement") visit(next);
        }
      };
      for (const part of ["app.ts", ...later]) {
        const entry = paths.find((path) => outputs[path]!.entryPoint?.includes(part));
        if (!entry) throw new Error(`Cannot weigh the app: it imports no "${part}" later`);
        visit(entry);
      }
      return [...seen].reduce((sum, path) => sum + sizes.get(path)!, 0);
    },
  };
}
