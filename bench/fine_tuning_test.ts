import assert from "node:assert/strict";
import ort from "onnxruntime-node";
import type { Ort } from "@precond/onnxruntime";
import { optimizers, pretrained, tune } from "./fine_tuning/tune.ts";
import { notes } from "./fine_tuning/notes.ts";
import { random } from "./random.ts";

const host = ort as unknown as Ort;

Deno.test("notes() writes lines of one style, the same for a seed", () => {
  const text = notes(5, random("a"));
  assert.equal(text, notes(5, random("a")));
  assert.notEqual(text, notes(5, random("b")));
  assert.match(text, /^(\[[ x]\] [a-z ]+ @[a-z]+ ![123]\n){5}$/);
});

Deno.test("tune() repeats, and a rate of 0 changes nothing", async () => {
  const base = await pretrained(host, 1, 3);
  const run = (learningRate: number) =>
    tune(host, { base, optimizer: optimizers.adamW!.make(learningRate), seed: 1, steps: 20 });
  const [first, again, still] = [await run(0.01), await run(0.01), await run(0)];
  assert.deepEqual(first, again);
  assert.equal(still.lastLoss, still.firstLoss);
  assert.equal(still.lastGuideLoss, still.firstGuideLoss);
  assert.equal(still.firstLoss, first.firstLoss);
  assert.notEqual(first.lastLoss, first.firstLoss);
  assert.equal(first.bestLoss, Math.min(first.firstLoss, first.lastLoss));
});
