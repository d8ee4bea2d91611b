import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { guidePages, linkOf } from "./pages.ts";

Deno.test("linkOf() keeps to the site what is a page of it, and leads to the repository else", () => {
  const files = new Set(["README.md", "theory.md"]);
  const links = {
    "theory.md#the-result": "theory.html#the-result",
    "README.md": "index.html",
    "#here": "#here",
    "https://a.example/x.md": "https://a.example/x.md",
    "../bench/README.md": "https://github.com/precond/precond/blob/main/bench/README.md",
  };
  for (const [target, expected] of Object.entries(links)) {
    assert.equal(linkOf(target, files), expected);
  }
});

Deno.test("every link between pages of the guide leads to a page, and to a heading of it", () => {
  const docs = new URL("../../docs/", import.meta.url);
  const names = readdirSync(docs).filter((name) => name.endsWith(".md"));
  const pages = guidePages(
    new Map(names.map((name) => [name, readFileSync(new URL(name, docs), "utf8")])),
  );
  assert.equal(pages.size, names.length);
  let followed = 0;
  for (const [page, html] of pages) {
    for (const [, target] of html.matchAll(/ href="([^"]+)"/g)) {
      if (/^(https?|data):|^\.\.\/(site\.css)?$/.test(target!)) continue;
      const [path, anchor] = target!.split("#");
      const found = pages.get(path || page);
      assert.ok(found, `${page} links to ${target}`);
      if (anchor) assert.ok(found.includes(` id="${anchor}"`), `${page} links to ${target}`);
      followed++;
    }
  }
  assert.ok(followed > names.length, "links were followed");
});

Deno.test("guidePages() keeps code as text", () => {
  const pages = guidePages(new Map([["README.md", "# A `b<c>`\n\n```ts\nif (a < b) {}\n```\n"]]));
  const html = pages.get("index.html")!;
  assert.match(html, /<h1 id="a-bc">/);
  assert.match(html, /if \(a &lt; b\) \{\}/);
  assert.match(html, /<title>A b&lt;c>: precond/);
});
