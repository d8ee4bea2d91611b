// Every backend in Chromium, over the built packages. WebGL and WebGPU are software ones there.
import {
  assertAllClose,
  basisCases,
  conformanceCases,
  heldCases,
  representatives,
} from "@precond/testing";
import { type PageOptions, pageTest } from "@precond/testing/browser";
import assert from "node:assert/strict";
import type * as Exports from "./backends_page.ts";

type Exported = typeof Exports;

const options: PageOptions = {
  entry: new URL("./backends_page.ts", import.meta.url),
  files: {
    "/wasm/": new URL("./dist/", import.meta.resolve("@tensorflow/tfjs-backend-wasm/package.json")),
  },
};

/** Steps of a run; fewer on the slowest. */
const backends: Readonly<Record<string, number>> = { cpu: 50, wasm: 50, webgl: 20, webgpu: 20 };

for (const [backend, steps] of Object.entries(backends)) {
  pageTest<Exported>(`${backend} in Chromium: the built packages`, options, async (page, t) => {
    await page.call("start", backend);
    // These two are fast, and only they know at once that a step is held. WebGPU runs every case in
    // Deno; webgl has no other place for it.
    const fast = backend === "cpu" || backend === "wasm";
    const cover = representatives(conformanceCases);
    const cases = fast
      ? [...conformanceCases, ...heldCases]
      : backend === "webgl"
      ? conformanceCases
      : cover;
    const stepsOf = (one: typeof cases[number]) => fast || cover.includes(one) ? steps : 5;
    const plain: string[] = [];
    for (const one of cases) {
      await t.step(one.name, async () => {
        const fused = await page.call("conformance", backend, one.name, stepsOf(one));
        if (!fused) plain.push(one.name);
      });
    }
    await t.step("updates are fused", () => assert.deepEqual(plain, []));
    for (const { name } of basisCases()) {
      // Between its programs are products and copies of the host.
      await t.step(name, () => page.call("conformance", backend, name, 20).then(() => {}));
    }
    for (const name of ["adam", "sgd", "momentum", "nesterov"]) {
      await t.step(`${name} equals tf.train's`, () => page.call("likeTfTrain", name, steps));
    }
    await t.step("steps leave no tensor", () => page.call("steady", steps));
  });
}

/** How far the losses of ten steps are from those on cpu, relatively; measured 1e-4. */
const tolerances: Readonly<Record<string, number>> = {
  // Central differences of float32 gradients are good to about 1e-4.
  combined: 1e-3,
};

const title = "model.fit() in Chromium: the same losses on every backend";
pageTest<Exported>(title, options, async (page, t) => {
  for (const [optimizer, relative] of Object.entries(tolerances)) {
    let expected: number[] | undefined;
    for (const backend of Object.keys(backends)) {
      await t.step(`${optimizer} on ${backend}`, async () => {
        await page.call("start", backend);
        const losses = await page.call("fitLosses", optimizer);
        assert.equal(losses.length, 10);
        expected ??= losses;
        assertAllClose(losses, expected, { relative }, `${optimizer} on ${backend}`);
      });
    }
  }
});
