/**
 * Takes the picture of the playground that the README shows.
 *
 * Run: deno task site:screenshots
 */
import { launch } from "@precond/testing/browser";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildSite } from "./build.ts";
import { serveSite } from "./serve.ts";

const images = join(import.meta.dirname!, "../docs/images");
const most = 150_000;

await buildSite();
mkdirSync(images, { recursive: true });
await using server = serveSite();
await using browser = await launch();
const tab = await browser.newPage({ viewport: { width: 1000, height: 900 } });
tab.setDefaultTimeout(600_000);
await tab.goto(`http://127.0.0.1:${server.addr.port}/?preset=ill`);
await tab.getByRole("button", { name: "Start", exact: true }).click();
await tab.getByText("press Go on to train further").waitFor();
const path = join(images, "playground.png");
const { length } = await tab.locator("#loss-card").screenshot({ path });
if (length > most) throw new Error(`Cannot keep ${path}: ${length} bytes, at most ${most}`);
console.log(path, length);
