// Training on WebGL, in Chromium.
import { adamW, combined, gaussNewton } from "@precond/core";
import { assertAllClose } from "@precond/testing";
import { pageTest } from "@precond/testing/browser";
import assert from "node:assert/strict";
import { cnn, mlp, nodeOrt } from "../_testing.ts";
import { Trainer } from "../trainer.ts";
import type * as Exports from "./page/_testing.ts";

const options = { entry: new URL("./page/_testing.ts", import.meta.url) };
const steps = 8;

pageTest<typeof Exports>("WebGL trains as the CPU does", options, async (page, t) => {
  for (const network of ["mlp", "cnn"] as const) {
    for (const optimizer of ["adamW", "combined"] as const) {
      await t.step(`${network}, ${optimizer}`, async () => {
        const net = network === "mlp" ? mlp() : cnn();
        const trainer = await Trainer.create(nodeOrt, net, {
          optimizer: optimizer === "adamW"
            ? adamW({ learningRate: 1e-3 })
            : combined({ learningRate: 1e-3, curvature: gaussNewton({ every: 4 }) }),
        });
        const expected: number[] = [];
        for (let step = 0; step < steps; step++) {
          expected.push((await trainer.step(net.feeds(step))).loss);
        }
        expected.push((await trainer.evaluate(net.feeds(steps))).loss);
        await trainer.release();
        const actual = await page.call("trainOnWebgl", network, optimizer, steps);
        assertAllClose(actual, expected, { relative: 1e-4, absolute: 1e-4 });
      });
    }
  }
});

pageTest<typeof Exports>(
  "WebGL without sizes is an error that asks for them",
  options,
  async (page) => {
    assert.match(await page.call("withoutSizes"), /N|size/);
  },
);
