// Trainers on the providers that browsers have, in Chromium over the built packages. WebGL and WebGPU
// are software ones there.
import {
  assertAllClose,
  basisCases,
  type ConformanceCase,
  conformanceCases,
  heldCases,
  representatives,
} from "@precond/testing";
import { type Page, type PageOptions, pageTest } from "@precond/testing/browser";
import assert from "node:assert/strict";
import { type Route, routesOf } from "./conformance.ts";
import { block, cnn, mlp, nodeOrt } from "./builds.ts";
import { lossesOf, type OptimizerName, optimizers } from "./losses.ts";
import type * as Exports from "./training_page.ts";

type Exported = typeof Exports;

const options: PageOptions = {
  entry: new URL("./training_page.ts", import.meta.url),
  files: { "/ort/": new URL("./", import.meta.resolve("onnxruntime-web/webgpu")) },
};
const networks = { mlp, cnn, block };
const optimizerNames = ["adamW", "combined"] as const;

/** Steps of a conformance run. */
const conformanceSteps: Readonly<Record<Exports.Provider, number>> = {
  // A software GPU takes its time.
  webgpu: 10,
  webgl: 10,
  wasm: 50,
};

/** What runs on a provider: on software GPUs few cases, and further routes once each. */
function casesOn(provider: Exports.Provider): readonly (readonly [ConformanceCase, Route])[] {
  // Only where the update is on the CPU it is known at once that a step is held.
  const held = provider === "webgpu" ? [] : heldCases;
  const all = [...conformanceCases, ...held].filter((test) => routesOf(test).length > 0);
  const seen = new Set<Route>();
  return (provider === "wasm" ? all : representatives(all)).flatMap((test) =>
    routesOf(test)
      .filter((route, i) => provider === "wasm" || i === 0 || !seen.has(route))
      .map((route) => (seen.add(route), [test, route] as const))
  );
}

/** Steps of a training run: two of them with a sample of the curvature. */
const steps = 5;
const expected = new Map<string, Promise<number[]>>();

/** What onnxruntime-node's CPU makes of the same run. */
function expectedLosses(network: Exports.NetworkName, optimizer: OptimizerName): Promise<number[]> {
  const key = `${network}, ${optimizer}`;
  let losses = expected.get(key);
  if (losses === undefined) {
    const definition = optimizers[optimizer]();
    losses = lossesOf(nodeOrt, networks[network](), { optimizer: definition }, steps);
    expected.set(key, losses);
  }
  return losses;
}

async function checkTraining(
  page: Page<Exported>,
  network: Exports.NetworkName,
  optimizer: OptimizerName,
): Promise<void> {
  const actual = await page.call("train", network, optimizer, steps);
  const losses = await expectedLosses(network, optimizer);
  assertAllClose(actual, losses, { relative: 1e-4, absolute: 1e-4 });
}

for (const provider of ["webgpu", "wasm", "webgl"] as const) {
  const follows =
    `${provider} in Chromium: a trainer follows the reference, and trains as the CPU does`;
  pageTest<Exported>(follows, options, async (page, t) => {
    await page.call("start", provider);
    for (const [{ name }, route] of casesOn(provider)) {
      await t.step(
        `${name}, ${route}`,
        () => page.call("conformance", name, route, conformanceSteps[provider]),
      );
    }
    for (const { name } of basisCases()) {
      await t.step(name, () => page.call("conformance", name, "step", 20));
    }
    for (const network of ["mlp", "cnn", "block"] as const) {
      // Of which the second has what the first one has.
      const all = provider === "wasm" || network === "mlp";
      for (const optimizer of all ? optimizerNames : ["combined"] as const) {
        await t.step(
          `${network} with ${optimizer}`,
          () => checkTraining(page, network, optimizer),
        );
      }
    }
    if (provider !== "webgl") return;
    await t.step("a model that it does not run is an error that names the operator", async () => {
      assert.match(
        await page.call("refusal", "product", { N: 16 }),
        /^Cannot legalize for webgl: \d+ nodes? do(es)? not run there: Einsum /,
      );
    });
    await t.step("sizes that are not given are an error that asks for them", async () => {
      assert.match(await page.call("refusal", "mlp", {}), /give sizes for N/);
    });
  });
}

const fallback = "a browser without a WebGPU adapter trains on the next provider";
pageTest<Exported>(fallback, options, async (page, t) => {
  await page.call("start", "webgpu");
  await t.step("an error where there is none", async () => {
    await page.call("withoutAdapter", ["webgpu"]);
    await assert.rejects(page.call("train", "mlp", "adamW", steps), /\[webgpu\].*adapter/);
  });
  await page.call("withoutAdapter", ["webgpu", "wasm"]);
  for (const optimizer of optimizerNames) {
    await t.step(`mlp with ${optimizer}`, () => checkTraining(page, "mlp", optimizer));
  }
});
