// Opens the built site in headless Chromium: no error, no overflow, and every preset trains.
import { findChromium, launch } from "@precond/testing/browser";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Browser, Page } from "playwright-core";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brokenLinks } from "./broken_links.ts";
import { buildSite, dist } from "./build.ts";
import { serveSite } from "./serve.ts";

const ignore = Deno.env.get("CI") !== "true" && !findChromium();
const timeout = 300_000; // only stops a hang

interface Look {
  readonly preset: string;
  readonly width: number;
  readonly colorScheme: "light" | "dark";
}

/** A page that fails the test with its first error. */
async function open(browser: Browser, address: string, { preset, width, colorScheme }: Look) {
  const tab = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const errors: string[] = [];
  tab.on("pageerror", (error) => errors.push(error.stack ?? error.message));
  tab.on("console", (m) => void (m.type() === "error" && errors.push(m.text())));
  await tab.goto(`${address}?preset=${preset}`);
  const check = async () => {
    const failed = await tab.evaluate(() => document.querySelector("#status.failed")?.textContent);
    assert.deepEqual([...errors, failed ?? ""], [""]);
    const scrolled = await tab.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(scrolled <= width, `${scrolled} px of page in ${width}`);
  };
  return { tab, check };
}

/** Waits until all have made so many steps, or something failed. */
function trained(tab: Page, steps: number): Promise<unknown> {
  return tab.waitForFunction(
    (steps) =>
      Number(document.getElementById("step")!.textContent) >= steps ||
      document.querySelector("#status.failed"),
    steps,
    { timeout },
  );
}

/** Runs in the page: the table's rows. */
const readRows = () =>
  [...document.querySelectorAll<HTMLTableRowElement>("#rows tr")].map((row) => ({
    name: row.dataset.contender!,
    rate: Number(row.cells[1]!.textContent),
    train: Number(row.cells[2]!.textContent),
    test: Number(row.cells[3]!.textContent),
  }));

/** Runs in the page: how many colours a canvas has. */
const countColors = (selector: string) => {
  const canvas = document.querySelector<HTMLCanvasElement>(selector)!;
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d")!.getImageData(0, 0, width, height);
  return new Set(new Uint32Array(data.buffer)).size;
};

const looks: readonly (Look & { readonly snr: string; readonly steps: number })[] = [
  { preset: "ill", width: 1280, colorScheme: "light", snr: "snrOnly", steps: 20 },
  { preset: "noisy", width: 390, colorScheme: "dark", snr: "signalSgd", steps: 20 },
  { preset: "clean", width: 390, colorScheme: "light", snr: "snrOnly", steps: 20 },
];

/** The site is built for the first test, and stays as it is. */
let building: Promise<void> | undefined;

/** A test over the site, built and served, in one browser. */
function siteTest(
  name: string,
  body: (browser: Browser, address: string, t: Deno.TestContext) => Promise<void>,
): void {
  Deno.test({
    name: `site: ${name}`,
    ignore,
    // Playwright keeps what it has started once.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn(t) {
      await (building ??= buildSite());
      await using server = serveSite();
      await using browser = await launch();
      await body(browser, `http://127.0.0.1:${server.addr.port}/`, t);
    },
  });
}

siteTest(
  "every preset trains, at 390 and 1280 px, in light and dark",
  async (browser, address, t) => {
    for (const look of looks) {
      await t.step(`${look.preset}, ${look.width} px, ${look.colorScheme}`, async () => {
        const { tab, check } = await open(browser, address, look);
        await check();
        await tab.getByRole("button", { name: "Start", exact: true }).click();
        await trained(tab, 10);
        await check();
        const before = await tab.evaluate(readRows);
        await trained(tab, look.steps);
        await tab.getByRole("button", { name: "Pause" }).click();
        const after = await tab.evaluate(readRows);
        const names = ["sgd", "curvatureOnly", look.snr, "combined", "adam"];
        assert.deepEqual(after.map(({ name }) => name), names);
        for (const [i, row] of after.entries()) {
          assert.ok(row.train > 0 && row.test > 0 && row.rate > 0, JSON.stringify(row));
          assert.notEqual(row.train, before[i]!.train, `the loss of ${row.name} moves`);
        }
        for (const chart of ["#test-chart", "#train-chart", "#noise-chart"]) {
          assert.ok(await tab.evaluate(countColors, chart) > 10, chart);
        }
        for (const kind of ["signal", "curvature"]) {
          const colors = await tab.evaluate(countColors, `[data-map=hidden-${kind}]`);
          assert.ok(colors > 10, `${colors} colours in the map of ${kind}`);
        }
        assert.match((await tab.locator("#verdict").textContent())!, /^After \d+ steps .* loss/);
        assert.match((await tab.locator("#noise-text").textContent())!, /^combined\(\): .*batch/);
        await tab.locator("summary").click();
        await check();
        await tab.close();
      });
    }
  },
);

siteTest("guide and reference fit, in light and dark", async (browser, address) => {
  for (const colorScheme of ["light", "dark"] as const) {
    const look = { preset: "clean", width: 390, colorScheme };
    const { tab, check } = await open(browser, address, look);
    const follow = async (name: string) => {
      await tab.getByRole("navigation").getByRole("link", { name, exact: true }).click();
      await tab.getByRole("heading", { name, level: 1, exact: true }).waitFor();
      await check();
    };
    await tab.getByRole("link", { name: "guide", exact: true }).click();
    await tab.getByRole("heading", { name: "The guide" }).waitFor();
    await check();
    for (const name of ["Which optimizer should I use", "Theory"]) await follow(name);
    await follow("Reference");
    await follow("@precond/core");
    await tab.getByRole("link", { name: "AdamWOptions" }).first().click();
    await tab.getByRole("row", { name: "weightDecay? number Default 0.01." }).waitFor();
    await check();
    await tab.close();
  }
});

Deno.test("site: every link between pages leads to a page, and to a heading of it", async () => {
  await (building ??= buildSite());
  const pages = new Map(
    ["", "docs", "api"].flatMap((folder) =>
      readdirSync(join(dist, folder)).filter((name) => name.endsWith(".html"))
        .map((name) =>
          [join(folder, name), readFileSync(join(dist, folder, name), "utf8")] as const
        )
    ),
  );
  const { faults, followed } = brokenLinks(pages);
  assert.deepEqual(faults, []);
  assert.ok(followed > 1000, `${followed} links were followed`);
});

siteTest(
  "by keyboard: presets, sliders, drawing; a file; plain JavaScript; WebGPU given up",
  async (browser, address) => {
    const look = { preset: "clean", width: 1280, colorScheme: "dark" } as const;
    const { tab, check } = await open(browser, address, look);
    const press = async (...keys: string[]) => {
      for (const key of keys) await tab.keyboard.press(key);
    };
    // From the links at the top: the first preset.
    await press("Tab", "Tab", "Tab", "Tab", "Enter");
    assert.equal(
      await tab.getByRole("button", { name: "Ill-conditioned" }).getAttribute("aria-pressed"),
      "true",
    );
    await tab.locator("summary").focus();
    await press("Enter");
    const slider = tab.getByRole("slider", { name: "Batch size" });
    await slider.focus();
    await press("ArrowRight", "ArrowRight");
    assert.equal(await slider.getAttribute("aria-valuetext"), "128");
    assert.match((await tab.locator("#preset-text").textContent())!, /of your own/);
    await press("Home");
    assert.equal(await slider.getAttribute("aria-valuetext"), "2");

    await tab.getByLabel("Computed on").selectOption("cpu");
    await tab.getByLabel("Data").selectOption("drawn");
    await tab.getByText("0 points are drawn").waitFor();
    await tab.locator("#drawing").focus();
    for (let k = 0; k < 8; k++) await press("ArrowUp", "Enter");
    await tab.getByRole("button", { name: "Orange" }).click();
    await tab.locator("#drawing").click({ position: { x: 40, y: 200 } });
    for (let k = 0; k < 8; k++) await press("ArrowRight", "Enter");
    await tab.getByText("17 points.").waitFor();

    await tab.getByLabel("Data").selectOption("file");
    const lines = Array.from({ length: 30 }, (_, i) => `${i},${i % 7},${i < 15 ? "a" : "b"}`);
    const file = (text: string) => ({
      name: "points.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(text),
    });
    const chooser = tab.locator("#file");
    await chooser.setInputFiles(file("x,y,label\n1,2"));
    await tab.getByText("Cannot read line 2: it has 2 columns").waitFor();
    await chooser.setInputFiles(file(lines.join("\n")));
    await tab.getByRole("button", { name: "Start", exact: true }).press("Enter");
    await trained(tab, 20);
    await check();
    await tab.getByText("Training on plain JavaScript").waitFor();

    const rates = async () => (await tab.evaluate(readRows)).map(({ rate }) => rate);
    const found = await rates();
    await tab.getByRole("button", { name: "Start over" }).click();
    assert.deepEqual(await rates(), found, "the same task keeps its rates");
    assert.ok(found.every((rate) => rate > 0), `${found}`);
    await tab.getByLabel("Computed on").selectOption("webgpu");
    assert.ok((await rates()).every((rate) => rate === 0), "what is new needs new ones");
    await tab.getByRole("button", { name: "Start", exact: true }).click();
    await tab.getByText("Compiling shaders for WebGPU: 1 s").waitFor();
    await tab.getByRole("button", { name: "Use WebAssembly" }).click();
    await trained(tab, 10);
    await check();
    await tab.getByText("Training on WebAssembly").waitFor();
    assert.ok(await tab.locator("#compiling").isHidden());
    await tab.close();
  },
);
