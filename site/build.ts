/**
 * Builds the site into site/dist: files that any server, or none, can give out.
 *
 * Run: deno task site
 */
import { ensureBuilt } from "@precond/testing/browser";
import * as esbuild from "esbuild";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { guidePages } from "./guide/pages.ts";
import { addresses, referencePages } from "./reference/pages.ts";
import { referenceTexts } from "./reference/texts.ts";

const home = import.meta.dirname!;
const wasm = new URL("./dist/", import.meta.resolve("@tensorflow/tfjs-backend-wasm/package.json"));

/** The folder that the site is built into. */
export const dist: string = join(home, "dist");

function writePages(folder: string, pages: ReadonlyMap<string, string>): void {
  mkdirSync(join(dist, folder));
  for (const [name, html] of pages) writeFileSync(join(dist, folder, name), html);
}

/** Builds the packages if they are not built as they are now, then the site of what they export. */
export async function buildSite(): Promise<void> {
  await ensureBuilt();
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(join(dist, "wasm"), { recursive: true });
  try {
    await esbuild.build({
      entryPoints: {
        main: join(home, "page/main.ts"),
        worker: join(home, "training/worker.ts"),
        site: join(home, "site.css"),
      },
      absWorkingDir: home,
      outdir: dist,
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      // tfjs-backend-wasm has code for Node.js that no browser runs.
      external: ["fs", "path", "worker_threads", "perf_hooks", "os"],
      logLevel: "warning",
    });
  } finally {
    await esbuild.stop();
  }
  const docs = join(home, "../docs");
  const texts = readdirSync(docs).filter((name) => name.endsWith(".md"))
    .map((name) => [name, readFileSync(join(docs, name), "utf8")] as const);
  const reference = await referenceTexts();
  writePages("docs", guidePages(new Map(texts), addresses(reference)));
  writePages("api", referencePages(reference));
  cpSync(join(home, "index.html"), join(dist, "index.html"));
  const folder = fileURLToPath(wasm);
  for (const name of readdirSync(folder).filter((name) => name.endsWith(".wasm"))) {
    cpSync(join(folder, name), join(dist, "wasm", name));
  }
}

if (import.meta.main) {
  await buildSite();
  console.log(dist);
}
