// Builds the code of docs/bundlers.md as the page says, and opens the pages in headless Chromium.
import { ensureBuilt, findChromium, launch, serve } from "@precond/testing/browser";
import { inFolder, snippet } from "@precond/testing/node";
import assert from "node:assert/strict";
import * as esbuild from "esbuild";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import * as vite from "vite";

const ignore = Deno.env.get("CI") !== "true" && !findChromium();
const modules = join(import.meta.dirname!, "../../node_modules");

const tfjs = snippet("docs/bundlers.md", "import * as tf from");
const onnx = snippet("docs/bundlers.md", 'import { combined } from "@precond/core"');
const config = snippet("docs/bundlers.md", "const headers =");
const paths = snippet("docs/bundlers.md", "import { setWasmPaths }");

const page = (module: string) =>
  `<!doctype html><link rel="icon" href="data:,"><body><script type="module" src="${module}"></script>`;

/** A project that has the installed packages, and these files. */
function write(folder: string, files: Readonly<Record<string, string>>): void {
  symlinkSync(modules, join(folder, "node_modules"), "dir");
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

/** Opens a page that writes its last loss; nothing else may be on its console. */
async function check(browser: Browser, address: string): Promise<void> {
  const tab = await browser.newPage();
  const errors: string[] = [];
  tab.on("pageerror", (error) => errors.push(error.message));
  tab.on("console", (m) => void (m.type() === "error" && errors.push(m.text())));
  await tab.goto(address);
  await tab.waitForFunction(() => document.body.textContent!.startsWith("loss"), undefined, {
    timeout: 300_000, // only stops a hang
  }).catch((error: Error) => errors.push(error.message));
  assert.deepEqual(errors, []);
  // The targets are sums of two numbers of variance 1 or 1/3: knowing nothing is 2 or 2/3.
  const loss = Number((await tab.textContent("body"))!.replace("loss ", ""));
  assert.ok(loss < 0.2, `${address}: the loss is ${loss}`);
  assert.ok(loss >= 0);
  await tab.close();
}

async function withVite(browser: Browser, t: Deno.TestContext): Promise<void> {
  await inFolder(async (root) => {
    const pages = { "tfjs.html": page("/tfjs.ts"), "onnx.html": page("/onnx.ts") };
    write(root, { ...pages, "tfjs.ts": tfjs, "onnx.ts": onnx, "vite.config.mts": config });
    const common = { root, logLevel: "error" } as const;
    const input = Object.keys(pages).map((name) => join(root, name));
    await vite.build({
      ...common,
      build: { reportCompressedSize: false, rolldownOptions: { input } },
    });
    const preview = await vite.preview({ ...common, preview: { port: 0 } });
    try {
      for (const name of Object.keys(pages)) {
        await t.step(
          `vite build: ${name}`,
          () => check(browser, new URL(name, preview.resolvedUrls!.local[0]).href),
        );
      }
    } finally {
      await preview.close();
    }
  });
}

async function withEsbuild(browser: Browser, t: Deno.TestContext): Promise<void> {
  await inFolder(async (root) => {
    // The same programs, which find the files as the page says.
    const programs = {
      "tfjs.ts": tfjs.replace(/^import (plain|simd) .*\n/gm, "").replace(
        /^setWasmPaths\([^]*?\}\);\n/m,
        "",
      ),
      "onnx.ts": onnx,
    };
    const files = Object.entries(programs).map(([name, text]) =>
      [name, `import "./paths.ts";\n${text}`] as const
    );
    write(root, { "paths.ts": paths, ...Object.fromEntries(files) });
    await esbuild.build({
      absWorkingDir: root,
      entryPoints: Object.keys(programs),
      outdir: "served",
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      logLevel: "silent",
    });
    await esbuild.stop();
    const served = join(root, "served");
    mkdirSync(join(served, "wasm"));
    for (const dist of ["@tensorflow/tfjs-backend-wasm/dist", "onnxruntime-web/dist"]) {
      for (const name of readdirSync(join(modules, dist))) {
        if (!/^ort-wasm|\.wasm$/.test(name)) continue;
        symlinkSync(join(modules, dist, name), join(served, "wasm", name));
      }
    }
    await using server = serve({
      texts: { "/tfjs": page("/tfjs.js"), "/onnx": page("/onnx.js") },
      files: { "/": pathToFileURL(served) },
      isolated: false,
    });
    for (const name of ["tfjs", "onnx"]) {
      await t.step(
        `esbuild: ${name}`,
        () => check(browser, `http://127.0.0.1:${server.addr.port}/${name}`),
      );
    }
  });
}

Deno.test({
  name: "docs/bundlers.md: what Vite and esbuild make of its code trains in a page",
  ignore,
  // Playwright keeps what it has started once.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await ensureBuilt();
    await using browser = await launch();
    await withVite(browser, t);
    await withEsbuild(browser, t);
  },
});
