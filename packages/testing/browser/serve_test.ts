import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { serve } from "./serve.ts";

Deno.test("serve() has texts, then files, a folder as its index.html, and nothing above", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(folder, "docs"));
    await Deno.writeTextFile(join(folder, "index.html"), "not this");
    await Deno.writeTextFile(join(folder, "docs", "index.html"), "guide");
    await Deno.writeTextFile(join(folder, "docs", "a b.css"), "style");
    const files = { "/": pathToFileURL(folder) };
    await using server = serve({ texts: { "/": "page" }, files, isolated: false });
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${server.addr.port}${path}`);
      return [response.status, response.headers.get("content-type"), await response.text()];
    };
    assert.deepEqual(await get("/"), [200, "text/html; charset=utf-8", "page"]);
    assert.deepEqual(await get("/docs/"), [200, "text/html; charset=utf-8", "guide"]);
    assert.deepEqual(await get("/docs/index.html"), [200, "text/html; charset=utf-8", "guide"]);
    assert.deepEqual(await get("/docs/a%20b.css"), [200, "text/css; charset=utf-8", "style"]);
    assert.deepEqual(await get("/none/"), [404, null, ""]);
    assert.deepEqual(await get("/docs/%2e%2e%2fdocs/index.html"), [404, null, ""]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
