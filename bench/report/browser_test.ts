// The report in Chromium, as a phone and a desk have it, in both colour schemes.
import { findChromium, launch } from "@precond/testing/browser";
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { measuredRow, sensitivityRow } from "../_testing.ts";
import { methodNamed } from "../methods.ts";
import type { Row, Sensitivity } from "../rows.ts";
import { html } from "./html.ts";
import { merge, readRows, type RowsFile } from "./read.ts";

const recorded = (name: string) =>
  readRows(fileURLToPath(new URL(`../results/${name}.json`, import.meta.url)));

/** Recorded rows are kept without curves: rows of a formula, which have them. */
function withCurves(): RowsFile {
  const names = ["sgd", "adam", "curvatureOnly", "snrOnly", "combined"];
  const step = Array.from({ length: 90 }, (_, i) => 10 * i);
  const loss = (method: number, seed: number) =>
    step.map((n) => 2.3 / (1 + n * (1 + method) / (300 + 10 * seed)));
  const rows = names.flatMap((method, m) =>
    [1, 2, 3].map((seed): Row =>
      measuredRow({
        ...{ problem: "cnn", method, mode: methodNamed(method).mode, seed, backend: "cpu" },
        curve: { step, trainLoss: loss(m, seed), testLoss: loss(m, seed + 5) },
        ...{ stepsToTarget: 500 - 90 * m, secondsToTarget: 9 - m, finalTestLoss: 0.5 - m / 20 },
        examplesToTarget: 16 * (500 - 90 * m),
      })
    )
  );
  const sensitivity = names.map((method, m): Sensitivity =>
    sensitivityRow({
      ...{ problem: "cnn", method, backend: "cpu", learningRate: 0.01 },
      ...{ rates: [0.001, 0.01, 0.1], scores: [1 + m / 9, 0.5 + m / 9, 2] },
    })
  );
  return { schemaVersion: 1, command: "a formula", rows, sensitivity };
}

const files = ["quick", "overhead"];
const sections = ["overview", "no-options", "profiles", "set-standard", "set-practical"]
  .concat(["set-theory", "overhead", "words", "how"]);

/** What has texts; of rows in tables the first two, which all others are like. */
const texts = ":is(main, nav) :not(.rows tr:nth-child(n + 3) *)";

/** Runs in the page: what is wrong with it, in words. */
function faults(texts: string): string[] {
  const found: string[] = [];
  const { scrollWidth } = document.documentElement;
  if (scrollWidth > innerWidth) found.push(`the page is ${scrollWidth} px wide`);
  for (const link of document.querySelectorAll<HTMLAnchorElement>("a")) {
    const id = link.getAttribute("href")!.replace(/^#/, "");
    if (!document.getElementById(id)) found.push(`#${id} leads nowhere`);
  }
  const ids = new Set<string>();
  for (const { id } of document.querySelectorAll("[id]")) {
    if (ids.has(id)) found.push(`two #${id}`);
    ids.add(id);
  }
  const names = new Set<string>();
  for (const svg of document.querySelectorAll("figure svg")) {
    const name = svg.getAttribute("aria-label");
    if (svg.getAttribute("role") !== "img" || !name) found.push("a chart without a name");
    else if (names.has(name)) found.push(`two charts named ${name}`);
    else names.add(name);
    const figure = svg.closest("figure")!;
    if (!figure.querySelector("figcaption a[href^='#']")) found.push(`no rows of ${name}`);
    const box = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll("text")) {
      const { left, right, height } = text.getBoundingClientRect();
      if (left < box.left - 1 || right > box.right + 1) {
        found.push(`${name}: "${text.textContent}" is cut`);
      }
      const size = parseFloat(getComputedStyle(text).fontSize) *
        box.width / (svg as SVGSVGElement).viewBox.baseVal.width;
      if (height > 0 && size < 11.9) {
        found.push(`${name}: "${text.textContent}" is small, ${size} px`);
      }
    }
  }
  for (const element of document.querySelectorAll(texts)) {
    if (element.closest("svg") || element.children.length > 0 || !element.textContent) continue;
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (size < 12) found.push(`"${element.textContent}" is small, ${size} px`);
  }
  return [...new Set(found)];
}

/** Runs in the page: texts whose colour is too near that of what is behind them. */
function lowContrast(texts: string): string[] {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true })!;
  const pixel = (...colours: string[]) => {
    context.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
    }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb: number[]) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) =>
      v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
    );
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const backgrounds = new Map<Element, string>();
  const behind = (element: Element | null): string => {
    if (!element) return "";
    const known = backgrounds.get(element);
    if (known !== undefined) return known;
    const all = `${behind(element.parentElement)};${getComputedStyle(element).backgroundColor}`;
    const seen = all.replaceAll(";rgba(0, 0, 0, 0)", "");
    backgrounds.set(element, seen);
    return seen;
  };
  const ratios = new Map<string, number>();
  const contrast = (text: string, paper: string) => {
    const key = `${paper};${text}`;
    if (!ratios.has(key)) {
      const under = paper.split(";");
      const [a, b] = [luminance(pixel(...under)), luminance(pixel(...under, text))];
      ratios.set(key, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
    }
    return ratios.get(key)!;
  };
  const found = new Set<string>();
  for (const element of document.querySelectorAll(texts)) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent!.trim());
    if (!own) continue;
    const style = getComputedStyle(element);
    const ratio = contrast(element.closest("svg") ? style.fill : style.color, behind(element));
    if (ratio < 4.5) found.add(`"${element.textContent}": ${ratio.toFixed(2)}`);
  }
  return [...found];
}

async function withReport(body: (browser: Browser, url: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const given = merge([...await Promise.all(files.map(recorded)), withCurves()]);
    const text = await html(given);
    assert.ok(text.length < 3e6, `the report has ${text.length} characters`);
    const path = join(folder, "report.html");
    await Deno.writeTextFile(path, text);
    await using browser = await launch();
    await body(browser, pathToFileURL(path).href);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a reader does: a tip, a legend, a link to rows, and on a phone the contents. */
async function use(page: Page, phone: boolean): Promise<void> {
  if (phone) {
    await page.click("nav.top summary");
    await page.click("nav.top a[href='#profiles']");
    assert.equal(await page.locator("nav.top details").getAttribute("open"), null);
  }
  const card = page.locator("#p-cnn-cpu-16-finalTrainLoss");
  await card.locator(".legend button", { hasText: "combined()" }).click();
  assert.ok(await card.locator("svg .faint").count() > 0);
  assert.equal(await card.locator("svg .faint[data-tip^='combined()']").count(), 0);
  await card.locator("svg path[data-tip^='combined()']").last().hover();
  assert.match(await page.locator("#tip").innerText(), /^combined\(\)/);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#tip").isVisible(), false);

  await card.locator("figcaption a").first().press("Enter");
  const rows = card.locator("details.rows[open]");
  await rows.waitFor();
  const download = page.waitForEvent("download");
  await rows.locator(".csv").click();
  const text = await Deno.readTextFile(await (await download).path());
  assert.equal(text.trim().split("\n").length, 1 + 5 * 3);
  assert.match(text, /^"method","seed","learning rate"/);
}

const ignore = Deno.env.get("CI") !== "true" && !findChromium();
Deno.test({
  name: "the report is whole, legible and usable at 390 and 1280 px, in light and dark",
  ignore,
  // Playwright keeps what it has started once.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withReport(async (browser, url) => {
      for (const width of [390, 1280]) {
        const page = await browser.newPage({ viewport: { width, height: 900 } });
        const said: string[] = [];
        page.on("console", (message) => said.push(message.text()));
        page.on("pageerror", ({ message }) => said.push(message));
        page.on("request", (request) => {
          if (!request.url().startsWith("data:")) said.push(request.url());
        });
        await page.goto(url);
        await use(page, width < 1000);
        for (const id of sections) {
          assert.ok(await page.locator(`section#${id}`).isVisible(), `${width} px: no #${id}`);
        }
        await page.evaluate(() =>
          document.querySelectorAll("details").forEach((d) => d.open = true)
        );
        assert.deepEqual(await page.evaluate(faults, texts), [], `${width} px`);
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          assert.deepEqual(
            await page.evaluate(lowContrast, texts),
            [],
            `${width} px, ${colorScheme}`,
          );
        }
        assert.deepEqual(said.filter((text) => text !== url), [], `${width} px`);
        await page.close();
      }
    }),
});
