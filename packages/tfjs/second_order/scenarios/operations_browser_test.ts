// The second-order pack in Chromium, over the built packages: each operation that it calls verified
// against central differences.
import { type PageOptions, pageTest } from "@precond/testing/browser";
import assert from "node:assert/strict";
import type * as Exports from "./operations_page.ts";
import { allCases } from "./all_cases.ts";
import type { OpCase } from "./operations.ts";

const options: PageOptions = {
  entry: new URL("./operations_page.ts", import.meta.url),
  files: {
    "/wasm/": new URL("./dist/", import.meta.resolve("@tensorflow/tfjs-backend-wasm/package.json")),
  },
};

const backends = ["wasm", "webgl", "webgpu"];

/**
 * How far gᵀv and Hv may be off, relatively: float32 gradients over steps of 1e-2, as on cpu. A sine
 * with an absolute error of 2⁻¹¹ differs from the integral of its cosine; measured up to 1.1e-3.
 */
const tolerance = 3e-4, roughTolerance = 3e-3;

Deno.test("every case has a name of its own", () => {
  const names = allCases.map(({ name }) => name);
  assert.deepEqual(names.filter((name, i) => names.indexOf(name) !== i), []);
});

/** What differs within them is strides and paddings, not kernels: windows, and third derivatives. */
const alike = /^(gradient of (fused )?\w+|(fused )?(\w*conv\w*|\w+Pool|resize\w+))/i;

/**
 * On software GPUs, where each case compiles dozens of shaders: one of those that are alike. Deno runs
 * every case on cpu and wasm.
 */
function casesOn(backend: string): readonly OpCase[] {
  if (backend === "wasm") return allCases;
  const seen = new Set<string>();
  return allCases.filter(({ name }) => {
    const operation = alike.exec(name)?.[0];
    if (operation === undefined) return true;
    return !seen.has(operation) && seen.add(operation);
  });
}

for (const backend of backends) {
  const title = `${backend} in Chromium: Hv is the derivative of the gradient`;
  pageTest<typeof Exports>(title, options, async (page, t) => {
    await page.call("start", backend);
    for (const { name, wasm, webgpu, rough } of casesOn(backend)) {
      if (backend === "wasm" && wasm) continue;
      await t.step(name, async () => {
        const checked = page.call("checkOp", name, rough ? roughTolerance : tolerance);
        if (backend === "webgpu" && webgpu) return await assert.rejects(checked, webgpu);
        const error = await checked;
        if (Deno.env.has("PRECOND_ERRORS")) console.log(`${name}\t${error.toExponential(1)}`);
      });
    }
  });
}
