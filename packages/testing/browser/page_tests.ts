/** @module */
import { findChromium } from "./chromium.ts";
import { type Page, type PageOptions, withPage } from "./with_page.ts";

/**
 * A test over a page. Where there is no Chromium it is ignored, except in CI (CI=true), where it
 * fails.
 */
export function pageTest<Exports>(
  name: string,
  options: PageOptions,
  body: (page: Page<Exports>, t: Deno.TestContext) => Promise<void>,
): void {
  const ignore = Deno.env.get("CI") !== "true" && !findChromium();
  Deno.test({
    name: ignore ? `${name} (there is no Chromium; CHROME_PATH can name one)` : name,
    ignore,
    // Playwright keeps what it has started once.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: (t) => withPage<Exports>(options, (page) => body(page, t)),
  });
}
