// Trains in headless Chromium, whose WebGPU is software.
import { findChromium, launch, statusOf } from "@precond/testing/browser";
import assert from "node:assert/strict";
import { serve } from "./serve.ts";

const ignore = Deno.env.get("CI") !== "true" && !findChromium();

/** Runs in the page before its scripts: a browser that has WebGPU but no adapter for it. */
const withoutAdapter = (): void => {
  const gpu = { requestAdapter: () => Promise.resolve(null) };
  Object.defineProperty(navigator, "gpu", { value: gpu });
};

Deno.test({
  name: "examples/onnxruntime-web: learns another hand's drawings in the tab",
  ignore,
  // Playwright keeps what it has started once.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using server = await serve();
    await using browser = await launch();
    const runs = [
      { name: "webgpu", wanted: "webgpu", provider: "webgpu" },
      { name: "wasm", wanted: "wasm", provider: "wasm" },
      { name: "wasm where there is no adapter", wanted: "webgpu", provider: "wasm" },
    ];
    for (const { name, wanted, provider } of runs) {
      await t.step(name, async () => {
        const tab = await browser.newPage({ viewport: { width: 1100, height: 800 } });
        if (provider !== wanted) await tab.addInitScript(withoutAdapter);
        const { textOf, until } = statusOf(tab);
        const share = async (id: string) => parseInt(await textOf(id));

        await tab.goto(`http://127.0.0.1:${server.addr.port}/?provider=${wanted}`);
        await until("Ready");
        assert.equal(await textOf("provider"), provider);
        const before = await share("before");
        // A drawing of one's own: a stroke across the pad.
        const { x, y } = (await tab.locator("#pad").boundingBox())!;
        await tab.mouse.move(x + 40, y + 40);
        await tab.mouse.down();
        await tab.mouse.move(x + 180, y + 180, { steps: 8 });
        await tab.mouse.up();
        await tab.getByRole("button", { name: "It is a cross" }).click();
        assert.equal(await textOf("count"), "1");

        await tab.getByRole("button", { name: "Take another hand's drawings" }).click();
        assert.equal(await textOf("count"), "31");
        await tab.getByRole("button", { name: "Personalise" }).click();
        await until("Personalised");
        const after = await share("after");
        assert.ok(after > before && after >= 80, `${before} %, then ${after} %`);

        await tab.getByRole("button", { name: "Download as ONNX" }).click();
        await until("The model has");
        const path = await Deno.makeTempFile({ prefix: "precond-", suffix: ".png" });
        try {
          await tab.screenshot({ path, fullPage: true });
          // A blank page of this size takes some 8 kB.
          assert.ok((await Deno.stat(path)).size > 30_000, "the screenshot shows something");
        } finally {
          await Deno.remove(path);
        }
        await tab.close();
      });
    }
  },
});
