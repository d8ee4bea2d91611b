// The devices of jax-js in Chromium, over the built packages. GPUs are software ones there, and
// compile slowly: a few cases that together have every operation.
import { basisCases, heldCases } from "@precond/testing";
import { type PageOptions, pageTest } from "@precond/testing/browser";
import assert from "node:assert/strict";
import type * as Exports from "./devices_page.ts";

const options: PageOptions = { entry: new URL("./devices_page.ts", import.meta.url) };

const cases = [
  "sgd(momentum, nesterov)",
  "adamW(weightDecay, match)",
  "naturalSnr()",
  "signalNewton(weightDecay)",
  'signalFraction({"lag":true,"scale":"unit-norm","pool":"row"})',
  'signalFraction({"memory":"adaptive","pool":"row","exponent":0.5,"lag":true})',
  'signalFraction({"from":"gradientSquares","pool":"tensor","scale":"unit-norm"})',
  "normalizedSignal({})",
  'inverseCurvature({"moment":"rms","gain":2,"damping":0.001})',
  "empirical Fisher from gradientSquares, T on H⁻¹g from gradientSquares",
  "global norm, Nesterov average, clip by value, schedules per parameter",
];
const few = [...cases, ...basisCases().map(({ name }) => name)];

/** Names of cases, and steps. */
const runs = {
  wasm: [[...few, ...heldCases.map(({ name }) => name)], 10],
  webgpu: [few, 5],
  // A shader for each operation and shape.
  webgl: [["adam()"], 1],
} as const;

pageTest<typeof Exports>("jax-js in Chromium: wasm, WebGPU, WebGL", options, async (page, t) => {
  for (const [key, [names, steps]] of Object.entries(runs)) {
    const device = key as keyof typeof runs;
    await page.call("start", device);
    for (const name of names) {
      await t.step(
        `${device}, ${name}`,
        () => page.call("conformance", device, name, steps).then(),
      );
    }
    await t.step(`${device} says nothing`, async () => {
      assert.deepEqual(await page.call("warned"), []);
    });
  }
});
