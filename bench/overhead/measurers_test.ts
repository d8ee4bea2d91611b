import assert from "node:assert/strict";
import { placesOf } from "./measurers.ts";

Deno.test("placesOf() has webgl in Chromium only and webgpu in each runtime", () => {
  assert.deepEqual(placesOf(["wasm", "webgl", "webgpu"], ["deno", "chromium"]), [
    { backend: "wasm", runtime: "deno" },
    { backend: "webgl", runtime: "chromium" },
    { backend: "webgpu", runtime: "deno" },
    { backend: "webgpu", runtime: "chromium" },
  ]);
});
