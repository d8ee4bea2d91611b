import { sgd } from "@precond/core";
import { buildModel } from "@precond/onnx";
import { random, transformer } from "@precond/testing";
import assert from "node:assert/strict";
import { nodeOrt } from "../scenarios/builds.ts";
import type { TrainerOptions } from "../engine/options.ts";
import { Trainer } from "./trainer.ts";

const model = () => {
  const m = buildModel();
  transformer(m, { layers: 3, width: 8, heads: 2, length: 6 });
  return m.build();
};

async function losses(options: TrainerOptions): Promise<number[]> {
  const trainer = await Trainer.create(nodeOrt, { model: model(), loss: { type: "mse" } }, {
    optimizer: sgd({ learningRate: 0.1 }),
    ...options,
  });
  const draw = random(1);
  const noise = () => ({
    data: Float32Array.from({ length: 2 * 6 * 8 }, () => draw.normal()),
    dims: [2, 6, 8],
  });
  const found: number[] = [];
  for (let k = 0; k < 4; k++) {
    found.push((await trainer.step({ x: noise(), labels: noise() })).loss);
  }
  await trainer.release();
  return found;
}

Deno.test("A trainer that computes activations again has the same losses", async () => {
  const expected = await losses({ recompute: false });
  const bytes = 8 * 1024;
  const all: readonly TrainerOptions[] = [
    {},
    { recompute: { bytes, sizes: { N: 2 } } },
    { recompute: { bytes }, sizes: { N: 2 } },
  ];
  for (const options of all) {
    const found = await losses(options);
    found.forEach((loss, k) => {
      const error = Math.abs(loss - expected[k]!) / expected[k]!;
      assert.ok(error < 1e-5, `${JSON.stringify(options)}: ${found} ≠ ${expected}`);
    });
  }
});

Deno.test("A trainer refuses what is neither names nor bytes", async () => {
  const attempt = (recompute: unknown) => losses({ recompute } as TrainerOptions);
  await assert.rejects(attempt("all"), /recompute must be false, \{ keep/);
  await assert.rejects(attempt({ names: [] }), /recompute must be false, \{ keep/);
  await assert.rejects(attempt({ bytes: 1e4 }), /give a number for N/);
});
