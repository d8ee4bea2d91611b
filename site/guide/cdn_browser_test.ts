// Opens the pages of docs/from_a_cdn.md in headless Chromium. A server on this machine stands for the
// CDN: it has the files of the installed packages at the same paths.
import { bundle, ensureBuilt, findChromium, launch, serve } from "@precond/testing/browser";
import { snippet } from "@precond/testing/node";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ignore = Deno.env.get("CI") !== "true" && !findChromium();
const cdn = "https://cdn.jsdelivr.net";
const root = join(import.meta.dirname!, "../..");

/** The HTML of the page's blocks. */
const documented: readonly string[] = [
  snippet(
    "docs/from_a_cdn.md",
    '<!doctype html>\n<meta charset="utf-8">\n<title>precond and TensorFlow.js',
  ),
  snippet(
    "docs/from_a_cdn.md",
    '<!doctype html>\n<meta charset="utf-8">\n<title>precond and ONNX Runtime',
  ),
];

/** What the CDN gives at "/npm/NAME@VERSION/FILE". */
async function give(path: string): Promise<BodyInit> {
  const [, name, version, file] = /^\/npm\/((?:@[^/]+\/)?[^@/]+)@([^/]+)\/(.+)$/.exec(path)!;
  const home = join(root, "node_modules", name!);
  const { version: installed } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  // A CDN takes a range: 0.1 is the newest 0.1.x.
  assert.ok(`${installed}.`.startsWith(`${version}.`), `${name}@${version}: it is ${installed}`);
  // What jsDelivr makes of CommonJS: one module.
  if (file === "+esm") return await bundle(new URL(import.meta.resolve(name!)));
  return readFileSync(join(home, file!));
}

/** A server of the CDN's files, for pages of any origin. */
function serveCdn(faults: string[]): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const type = pathname.endsWith(".wasm") ? "application/wasm" : "text/javascript";
    const headers = { "content-type": type, "access-control-allow-origin": "*" };
    try {
      return new Response(await give(pathname), { headers });
    } catch (error) {
      faults.push(`${pathname}: ${(error as Error).message}`);
      return new Response(null, { status: 404, headers });
    }
  });
}

Deno.test({
  name: "docs/from_a_cdn.md: its pages load and train ten steps",
  ignore,
  // Playwright keeps what it has started once.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await ensureBuilt();
    const faults: string[] = [];
    await using files = serveCdn(faults);
    const address = `http://127.0.0.1:${files.addr.port}`;
    const pages = documented.map((html, k) => [`/${k}.html`, html.replaceAll(cdn, address)]);
    await using server = serve({
      texts: { "/favicon.ico": "", ...Object.fromEntries(pages) },
      files: {},
      isolated: false,
    });
    await using browser = await launch();
    for (const [path, html] of pages) {
      await t.step(/<title>(.+)<\/title>/.exec(html!)![1]!, async () => {
        const tab = await browser.newPage();
        const errors: string[] = [];
        tab.on("pageerror", (error) => errors.push(error.message));
        tab.on("console", (m) => void (m.type() === "error" && errors.push(m.text())));
        await tab.goto(`http://127.0.0.1:${server.addr.port}${path}`);
        await tab.waitForFunction(
          () => document.getElementById("said")!.textContent !== "Loading …",
          undefined,
          { timeout: 60_000 }, // only stops a hang
        ).catch((error: Error) => errors.push(error.message));
        assert.deepEqual([...errors, ...faults], []);
        const losses = (await tab.textContent("#said"))!.replace("Loss ", "").split(", ").map(
          Number,
        );
        assert.equal(losses.length, 10);
        assert.ok(losses.at(-1)! < losses[0]!, `${losses}`);
        await tab.close();
      });
    }
  },
});
