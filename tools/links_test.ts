import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pages } from "./_pages.ts";
import { root } from "./_run.ts";
import { anchorsOf, linkFaults, targetsOf } from "./links.ts";

Deno.test("every link within the repository leads to a file, and to a heading of it", () => {
  const texts = pages();
  assert.ok(texts.has("README.md") && texts.has("packages/core/README.md"));
  assert.deepEqual(linkFaults({ texts, exists: (path) => existsSync(join(root, path)) }), []);
});

const texts = new Map([
  ["README.md", "# Top\n[a](docs/a.md#one-two) [b](#top) [web](https://x.org/y#z)\n"],
  ["docs/a.md", "# One `two`!\n[up](../README.md)\n"],
]);
const exists = (path: string) => texts.has(path) || path === "docs";
const faultsOf = (page: string, text: string) =>
  linkFaults({ texts: new Map([...texts, [page, text]]), exists });

Deno.test("linkFaults() is content with links that lead somewhere", () => {
  assert.deepEqual(linkFaults({ texts, exists }), []);
  assert.deepEqual(faultsOf("docs/b.md", "[folder](./) [page](a.md)"), []);
  const web = "https://github.com/precond/precond/blob/main/docs/a.md#one-two";
  assert.deepEqual(faultsOf("docs/b.md", `[web](${web})`), []);
});

Deno.test("linkFaults() names a file that is not there, and a heading", () => {
  assert.deepEqual(faultsOf("docs/b.md", "[x](gone.md)\n\n[y]: a.md#three"), [
    "docs/b.md links to gone.md: there is no docs/gone.md",
    'docs/b.md links to a.md#three: docs/a.md has no heading "three"',
  ]);
  assert.deepEqual(faultsOf("docs/b.md", "[x](https://github.com/precond/precond/tree/main/no)"), [
    "docs/b.md links to https://github.com/precond/precond/tree/main/no: there is no no",
  ]);
  assert.equal(faultsOf("docs/b.md", "[x](#nothing)").length, 1);
});

Deno.test("targetsOf() does not take code for links", () => {
  assert.deepEqual(targetsOf('`a[0](b)` and\n```ts\nx[1](y)\n```\n[z](w "title")'), ["w"]);
});

Deno.test("anchorsOf() gives those of GitHub", () => {
  const page = "# A, b & c\n## `T = g²/(g² + σ²)`\n## Same\n## Same\n```sh\n# no heading\n```\n";
  assert.deepEqual([...anchorsOf(page)], ["a-b--c", "t--gg--σ", "same", "same-1"]);
});
