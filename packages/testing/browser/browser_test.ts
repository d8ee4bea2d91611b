import assert from "node:assert/strict";
import { bundle, findChromium, pageTest, withPage } from "./mod.ts";
import type * as Exports from "./_testing.ts";

type Exported = typeof Exports;

const entry = new URL("./_testing.ts", import.meta.url);
const files = { "/here/": new URL("./", import.meta.url) };

pageTest<Exported>("withPage() calls what the page exports, over the built packages", {
  entry,
  files,
}, async (page) => {
  assert.equal(await page.call("add", 2, 3), 5);
  assert.equal(await page.call("built"), "object");
  assert.equal(await page.call("isolated"), false);
  assert.deepEqual(await page.call("served", "/here/mod.ts"), [200, "application/octet-stream"]);
  assert.equal((await page.call("served", "/here/none.js"))[0], 404);
  assert.equal((await page.call("served", "/here/%2e%2e/mod.ts"))[0], 404);
  for (const name of await page.call("renderers")) assert.match(name, /swiftshader/i);
});

pageTest<Exported>("withPage() reports what the page throws, with its console", {
  entry,
}, async (page) => {
  await assert.rejects(page.call("unequal"), {
    message:
      /^Cannot call unequal\(\) in the page: AssertionError: pair\[0\] is 1, expected 2[^]*\nwarning: about to compare$/,
  });
  await assert.rejects(page.call("none" as "built"), { message: /none/ });
  assert.equal(await page.call("add", 1, 1), 2);
});

pageTest<Exported>("withPage() can isolate the page", { entry, isolated: true }, async (page) => {
  assert.equal(await page.call("isolated"), true);
});

Deno.test({
  name: "withPage() fails for errors that nobody caught and for pages that hang, and ends them",
  ignore: !findChromium(),
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const stray = withPage<Exported>({ entry }, async (page) => {
      await page.call("stray");
      await page.call("wait", 100);
    });
    await assert.rejects(stray, { message: /Not caught in the page: RangeError: nobody catches/ });
    const hang = withPage<Exported>({ entry, timeout: 2000 }, async (page) => {
      await assert.rejects(page.call("hang"), { message: /hang\(\) has not answered within 2 s/ });
      await page.call("built");
    });
    await assert.rejects(hang, {
      message: "Cannot call built() in the page: hang() has not answered within 2 s",
    });
  },
});

Deno.test("bundle() takes public packages as built, private ones from source", async () => {
  const code = await bundle(entry);
  assert.match(code, /^\/\/ \.\.\/\.\.\/core\/dist\//m);
  assert.match(code, /^\/\/ \.\.\/assert_all_close\.ts/m);
  assert.doesNotMatch(code, /^\/\/ .*core\/[^\n]*\.ts$/m);
});
