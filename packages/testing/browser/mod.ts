/**
 * Runs a module in headless Chromium, over the packages as they are built.
 *
 * @module
 */
export { chromiumFlags, findChromium, launch } from "./chromium.ts";
export { bundle, type Platform } from "./bundle.ts";
export { ensureBuilt, staleness } from "./built.ts";
export { type ExamplePage, serve, serveExample, type ServeOptions } from "./serve.ts";
export { statusOf } from "./status.ts";
export { type Page, type PageOptions, withPage } from "./with_page.ts";
export { pageTest } from "./page_tests.ts";
