import assert from "node:assert/strict";
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

const pagesOf = (texts: Record<string, string>, names?: ReadonlyMap<string, string>) =>
  guidePages(new Map(Object.entries(texts)), names);

Deno.test("guidePages() links calls and types in the text to where they are explained", () => {
  const names = new Map([["adam", "../api/core.html#adam"], ["Chain", "../api/core.html#chain"]]);
  const text =
    "# `adam()`\n\n`adam({ beta1: 0.5 })`, `Chain`, `adam`, `other()`, [`adam()`](#adam)\n";
  const html = pagesOf({ "README.md": text }, names).get("index.html")!;
  const linked = [...html.matchAll(/<a href="\.\.\/api\/core\.html#\w+"><code>(.+?)<\/code>/g)];
  assert.deepEqual(linked.map(([, code]) => code), ["adam({ beta1: 0.5 })", "Chain"]);
});

Deno.test("guidePages() keeps code as text", () => {
  const pages = pagesOf({ "README.md": "# A `b<c>`\n\n```ts\nif (a < b) {}\n```\n" });
  const html = pages.get("index.html")!;
  assert.match(html, /<h1 id="a-bc">/);
  assert.match(html, /if \(a &lt; b\) \{\}/);
  assert.match(html, /<title>A b&lt;c>: precond/);
});
