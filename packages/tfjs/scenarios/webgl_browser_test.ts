// Updates drawn on the textures of tfjs's WebGL backend, over the built packages.
import { conformanceCases, nonFiniteCases, representatives } from "@precond/testing";
import { type PageOptions, pageTest } from "@precond/testing/browser";
import assert from "node:assert/strict";
import type * as Exports from "./webgl_page.ts";

type Exported = typeof Exports;

const options: PageOptions = { entry: new URL("./webgl_page.ts", import.meta.url) };

const fallback = "webgl in Chromium: where tfjs does not let us draw, its programs do";
pageTest<Exported>(fallback, options, async (page, t) => {
  await page.call("startWebgl");
  await t.step("it lets us", async () => {
    const { name } = conformanceCases[0]!;
    assert.ok(await page.call("drawsOf", name, 2, false) > 0);
  });
  for (const { name } of representatives(conformanceCases)) {
    await t.step(name, async () => {
      assert.equal(await page.call("drawsOf", name, 5, true), 0);
    });
  }
});

pageTest<Exported>("webgl in Chromium: extreme gradients, and groups", options, async (page, t) => {
  await page.call("startWebgl");
  for (const { name } of nonFiniteCases) {
    await t.step(name, () => page.call("extremes", name));
  }
  await t.step("groups", () => page.call("groups"));
});

/**
 * All ranks, both parities of the last two dimensions, blocks of one element, folded textures. Where
 * sums are drawn, of rows or of all, they are what else depends on the shape.
 */
const shapes: Readonly<Record<string, readonly number[][]>> = {
  adam: [
    ...[[], [1], [2], [3], [5], [127], [0], [0, 3], [3, 0], [1, 1], [7, 1], [1, 7], [4, 6], [3, 5]],
    ...[[2, 5], [5, 2], [2, 3, 5], [3, 4, 2], [4, 1, 1], [3, 1, 5], [3, 3, 1, 5], [2, 3, 3, 5]],
    ...[[2, 1, 3, 2, 3], [20001], [3, 10001], [10001, 3], [2, 3, 9001]],
  ],
  rows: [
    ...[[], [5], [0, 3], [1, 7], [7, 1], [4, 6], [3, 5], [2, 3, 5], [3, 3, 1, 5]],
    ...[[10001, 3], [2, 3, 9001]],
  ],
  tensor: [[], [5], [3, 0], [4, 6], [3, 1, 5], [20001]],
};

const layouts = "webgl in Chromium: updates are those of cpu however gradients lie";
pageTest<Exported>(layouts, options, async (page, t) => {
  await page.call("startWebgl");
  for (const [definition, all] of Object.entries(shapes)) {
    for (const shape of all) {
      await t.step(`${definition}, [${shape}]`, () => page.call("alike", definition, shape));
    }
  }
});

pageTest<Exported>("webgl in Chromium: tfjs goes on after our draws", options, async (page, t) => {
  await page.call("startWebgl");
  await t.step("no texture is left", () => page.call("textures"));
  await t.step("clones keep their values", () => page.call("cloned"));
  await t.step("products with what lies beside", () => page.call("besideElements"));
  await t.step("products and convolutions", () => page.call("amongOthers"));
});
