// Trains in headless Chromium on wasm: WebGPU there is software, and slow for an encoder.
import { findChromium, launch, statusOf } from "@precond/testing/browser";
import assert from "node:assert/strict";
import { writeFiles } from "./_testing.ts";
import { serve } from "./serve_page.ts";

const ignore = Deno.env.get("CI") !== "true" && !findChromium();

Deno.test({
  name: "examples/onnxruntime-embeddings: an encoder learns in the tab",
  ignore,
  // Playwright keeps what it has started once.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "precond-" });
    await using server = await serve();
    await using browser = await launch();
    try {
      const files = await writeFiles(folder);
      const tab = await browser.newPage({ viewport: { width: 1100, height: 800 } });
      const { textOf, until } = statusOf(tab);
      const number = async (id: string) => parseFloat(await textOf(id));

      await tab.goto(`http://127.0.0.1:${server.addr.port}/?provider=wasm`);
      await until("Ready");
      assert.equal(await textOf("provider"), "wasm");
      await tab.getByRole("button", { name: "Learn" }).click();
      await until("Cannot begin: choose a file for the tokenizer");
      for (const [id, path] of Object.entries(files)) {
        await tab.locator(`#${id}`).setInputFiles(path);
      }
      await tab.locator("#steps").fill("15");
      await tab.locator("#rate").fill("0.005");
      await tab.getByRole("button", { name: "Learn" }).click();
      await until("Learnt");
      const margins = [];
      for (const when of ["before", "after"]) {
        margins.push(await number(`${when}-same`) - await number(`${when}-different`));
      }
      assert.ok(margins[1]! > margins[0]! + 0.05, margins.join(", then "));

      await tab.locator("#first").fill("the rose");
      await tab.locator("#second").fill("an anchor");
      await tab.getByRole("button", { name: "Compare" }).click();
      await until("Compared");
      // Two of different groups were near each other.
      assert.ok(await number("cosine-after") < await number("cosine-before"));

      const saved = tab.waitForEvent("download");
      await tab.getByRole("button", { name: "Download the adapter" }).click();
      assert.match((await saved).suggestedFilename(), /^adapter_/);
      await tab.close();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
