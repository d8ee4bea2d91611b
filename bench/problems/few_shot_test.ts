import { constant } from "@precond/core/pieces";
import assert from "node:assert/strict";
import { keysOf } from "../_testing.ts";
import { methodNamed } from "../methods.ts";
import { pick, pixels, range } from "./digits.ts";
import { fewShotData, knownDigits, pretrained } from "./few_shot.ts";
import { multilayer } from "./layers.ts";
import { createLearner } from "./learner.ts";
import { flatten, placeWeights } from "./weights.ts";

Deno.test("fewShotData() has ten examples of each of five digits that the network does not know", () => {
  const { train, validation, test } = fewShotData(1, true);
  const known = knownDigits();
  for (const part of [train, validation!]) {
    assert.equal(part.count, 50);
    for (let c = 0; c < 5; c++) assert.equal(part.y.filter((label) => label === c).length, 10);
  }
  assert.deepEqual([...new Set(test.y)].sort(), [0, 1, 2, 3, 4]);
  const seen = new Set([known, train, validation!, test].flatMap(keysOf));
  assert.equal(seen.size, known.count + 100 + test.count);
  assert.notDeepEqual(fewShotData(2, true).train.x, train.x);
});

Deno.test("pretrained() knows the first five digits but for its last layer, and is trained once", async () => {
  const size = { hidden: 16, steps: 60 };
  const weights = await pretrained("wasm", 1, size);
  assert.equal(await pretrained("wasm", 1, size), weights);
  const network = multilayer([pixels, 16, 5]);
  const drawn = flatten(placeWeights({ network, seed: 1 }));
  assert.notDeepEqual(weights[0], drawn[0]);
  assert.deepEqual(weights.slice(2), drawn.slice(2));

  // With its body kept, a new last layer learns the old digits faster than on a body that is drawn.
  const known = pick(knownDigits(), range(0, 300));
  const losses = await Promise.all([0, 1].map(async (trained) => {
    const learner = await createLearner("wasm", {
      network,
      seed: 1,
      weights: trained ? weights : undefined,
      method: methodNamed("sgd"),
      schedule: constant(0.02),
      batchSize: known.count,
    });
    const batch = learner.upload(known);
    for (let step = 0; step < 3; step++) await learner.step(batch, step);
    const { loss } = await learner.evaluate(batch);
    learner.drop(batch);
    await learner.dispose();
    return loss;
  }));
  assert.ok(losses[1]! < losses[0]!, `${losses}`);
});
