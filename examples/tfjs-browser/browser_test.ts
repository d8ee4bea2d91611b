// Trains in headless Chromium, where webgl and webgpu are software.
import { findChromium, launch } from "@precond/testing/browser";
import assert from "node:assert/strict";
import { serve } from "./serve.ts";

const ignore = Deno.env.get("CI") !== "true" && !findChromium();
const timeout = 300_000; // only stops a hang

interface Shown {
  step: number;
  test: number;
  status: string;
  failed: boolean;
}

/** Runs in the page. */
const readPage = (): Shown => {
  const text = (id: string) => document.getElementById(id)!.textContent;
  return {
    step: Number(text("step")),
    test: Number(text("test")),
    status: text("status"),
    failed: document.getElementById("status")!.classList.contains("failed"),
  };
};

/** Runs in the page: T by layer and the noise scale, as they are written there. */
const readNumbers = (): { layers: string[]; scale: string } => ({
  layers: [...document.querySelectorAll("[data-layer] output")].map((o) => o.textContent ?? ""),
  scale: document.getElementById("scale")!.textContent,
});

/** Runs in the page: how many pixels of the canvas of a layer's T are set, and their colours. */
const countPixels = (layer: string): [pixels: number, colors: number] => {
  const canvas = document.querySelector<HTMLCanvasElement>(`[data-layer=${layer}] canvas`)!;
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d")!.getImageData(0, 0, width, height);
  const set = new Uint32Array(data.buffer).filter((pixel) => pixel !== 0);
  return [set.length, new Set(set).size];
};

/** Runs in the page: whether the losses are known, and the test's is below ln 2 from a step on. */
const hasLearned = (step: number): boolean => {
  if (document.querySelector("#status.failed")) return true; // for shown() to report
  const test = Number(document.getElementById("test")!.textContent);
  return Number(document.getElementById("step")!.textContent) >= step && test < Math.LN2;
};

Deno.test({
  name: "examples/tfjs-browser: learns on every backend, and moves between them",
  ignore,
  // Playwright keeps what it has started once.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using server = await serve();
    await using browser = await launch();
    const address = `http://127.0.0.1:${server.addr.port}/`;
    for (const backend of ["webgl", "webgpu", "wasm"]) {
      await t.step(backend, async () => {
        const tab = await browser.newPage({ viewport: { width: 1280, height: 900 } });
        const errors: string[] = [];
        tab.on("pageerror", (error) => errors.push(error.stack ?? error.message));
        tab.on("console", (m) => void (m.type() === "error" && errors.push(m.text())));
        const shown = async () => {
          const found = await tab.evaluate(readPage);
          assert.deepEqual([errors, found.failed], [[], false], found.status);
          return found;
        };
        const learned = async (step: number) => {
          await tab.waitForFunction(hasLearned, step, { timeout });
          await shown();
        };

        await tab.goto(`${address}?backend=${backend}`);
        const toggle = tab.getByRole("button", { name: "Start", exact: true });
        await toggle.click();
        await learned(100);
        await tab.getByRole("button", { name: "Pause" }).click();
        assert.equal(await tab.getByLabel("Backend").inputValue(), backend);
        // By telemetry: T of each layer as a whole, and the noise scale.
        const numbers = await tab.evaluate(readNumbers);
        assert.equal(numbers.layers.length, 3);
        for (const T of numbers.layers) assert.match(T, /^T [01]\.\d{3}$/);
        assert.match(numbers.scale, /^(≥ )?\d+(\.\d)?$/);
        const { step } = await shown();
        // One pixel an element, weights and biases.
        for (const [layer, elements] of Object.entries({ input: 96, hidden: 1056, output: 33 })) {
          const [pixels, colors] = await tab.evaluate(countPixels, layer);
          assert.equal(pixels, elements, layer);
          assert.ok(layer !== "hidden" || colors > 5, `${colors} colours`);
        }

        const next = backend === "wasm" ? "cpu" : "wasm";
        await tab.getByLabel("Backend").selectOption(next);
        await tab.getByText(`The run goes on on ${next}`).waitFor({ timeout });
        await toggle.click();
        await learned(step + 50);
        await tab.getByRole("button", { name: "Pause" }).click();
        assert.equal(await tab.getByLabel("Backend").inputValue(), next);
        await shown();

        await tab.getByLabel("Optimizer").selectOption("snrOnly");
        await toggle.click(); // perhaps before the new run has begun
        await tab.getByText("snrOnly(): test").waitFor({ timeout });
        await learned(50);
        await tab.getByRole("button", { name: "Pause" }).click();

        const path = await Deno.makeTempFile({ prefix: "precond-", suffix: ".png" });
        try {
          await tab.screenshot({ path, fullPage: true });
          // A blank page of this size takes some 8 kB.
          assert.ok((await Deno.stat(path)).size > 40_000, "the screenshot shows something");
        } finally {
          await Deno.remove(path);
        }
        await shown();
        await tab.close();
      });
    }
  },
});
