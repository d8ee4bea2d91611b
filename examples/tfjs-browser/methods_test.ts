import { combined, createOptimizer, curvatureOnly, signalSgd, snrOnly } from "@precond/tfjs";
import assert from "node:assert/strict";
import { methods } from "./methods.ts";

const aliases = { snrOnly, curvatureOnly, combined, signalSgd };

Deno.test("methods: what looks on changes no step, and the rate is the optimizer's own", () => {
  for (const [name, alias] of Object.entries(aliases)) {
    const method = methods[name]!;
    const ends = [alias(), method.make(method.rate)].map((definition) => {
      const optimizer = createOptimizer(definition);
      const weights = new Float32Array(12).fill(1);
      for (let step = 0; step < 80; step++) {
        const gradient = weights.map((w, i) => w * (i + 1) + Math.sin(7 * step + i));
        optimizer.step({ w: { weights, gradient, shape: [3, 4] } });
      }
      return [...weights];
    });
    assert.deepEqual(ends[1], ends[0], name);
    assert.ok(ends[0]!.some((w) => w !== 1));
  }
});

Deno.test("methods: each has a colour for light and one for dark", async () => {
  const css = await Deno.readTextFile(new URL("colors.css", import.meta.url));
  const [light, dark] = css.split("@media (prefers-color-scheme: dark)");
  for (const name of Object.keys(methods)) {
    for (const part of [light, dark]) assert.match(part!, new RegExp(`--${name}: #[0-9a-f]{6};`));
  }
});
