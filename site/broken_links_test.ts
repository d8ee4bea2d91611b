import assert from "node:assert/strict";
import { brokenLinks } from "./broken_links.ts";

Deno.test("brokenLinks() follows links to pages, folders and headings", () => {
  const pages = new Map([
    ["index.html", `<a href="docs/">1</a><a href="docs/a.html#one">2</a><a href="no.html">3</a>`],
    [
      "docs/index.html",
      `<a href="../">4</a><a href="a.html#two">5</a><a href="https://x.y/">6</a>`,
    ],
    ["docs/a.html", `<h2 id="one"></h2><a class="b" href="#one">7</a><a href="#gone">8</a>`],
  ]);
  assert.deepEqual(brokenLinks(pages), {
    followed: 7,
    faults: [
      "index.html links to no.html: there is no no.html",
      "docs/index.html links to a.html#two: docs/a.html has no such heading",
      "docs/a.html links to #gone: docs/a.html has no such heading",
    ],
  });
});
