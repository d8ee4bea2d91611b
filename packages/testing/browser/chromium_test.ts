import assert from "node:assert/strict";
import { findChromium } from "./chromium.ts";

const env = (values: Record<string, string>) => (name: string) => values[name];

Deno.test("findChromium() takes what CHROME_PATH or CHROMIUM_PATH names, and nothing instead", () => {
  const path = Deno.execPath();
  assert.equal(findChromium(env({ CHROME_PATH: path })), path);
  assert.equal(findChromium(env({ CHROMIUM_PATH: path })), path);
  assert.throws(() => findChromium(env({ CHROME_PATH: "/none/chromium" })), {
    message: 'Cannot find Chromium: CHROME_PATH is "/none/chromium", which does not exist',
  });
});
