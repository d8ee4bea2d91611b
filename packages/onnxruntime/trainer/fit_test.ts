import assert from "node:assert/strict";
import { fitTrainer } from "./fit.ts";
import type { Feeds } from "../hosts/ort.ts";
import type { Batches, StepOutcome } from "./options.ts";

/** Counts steps; the loss is their number. */
function counting() {
  let steps = 0;
  return { step: () => Promise.resolve({ loss: ++steps } as StepOutcome), steps: () => steps };
}

const feeds: Feeds = {};

Deno.test("fit() that is stopped asks for no further batch and reports no further epoch", async () => {
  const trainer = counting();
  const abort = new AbortController();
  let asked = 0, closed = false;
  async function* batches() {
    try {
      for (;;) {
        asked++;
        yield await Promise.resolve(feeds);
      }
    } finally {
      closed = true;
    }
  }
  const progress = await fitTrainer(trainer, batches, {
    epochs: 3,
    signal: abort.signal,
    onStep: ({ step }) => step === 2 ? abort.abort() : undefined,
    onEpoch: () => assert.fail("the epoch did not end"),
  });
  assert.deepEqual(progress, { epoch: 0, step: 2, loss: 2, meanLoss: 1.5 });
  assert.deepEqual([asked, closed], [2, true]);
  assert.equal(await fitTrainer(trainer, batches, { signal: abort.signal }), undefined);
  assert.deepEqual([trainer.steps(), asked], [2, 2]);
});

Deno.test("fit() refuses what it cannot iterate over", async () => {
  const iterable = /^Cannot fit: batches must be something to iterate over, .* given is (\w+)$/;
  const returned = /^Cannot fit: batches must be a function that returns something .* is (\w+)$/;
  const cases: readonly [unknown, RegExp, string][] = [
    [undefined, iterable, "undefined"],
    [{ x: new Float32Array(2) }, iterable, "Object"],
    ["batches.json", iterable, "String"],
    [() => undefined, returned, "undefined"],
    [() => Promise.resolve([feeds]), returned, "Promise"],
  ];
  for (const [batches, message, kind] of cases) {
    await assert.rejects(fitTrainer(counting(), batches as Batches, {}), (error: Error) => {
      assert.equal(message.exec(error.message)?.[1], kind, error.message);
      return error instanceof TypeError;
    });
  }
});

Deno.test("fit() ends the iterator when a callback throws", async () => {
  let closed = false;
  function* batches() {
    try {
      for (;;) yield feeds;
    } finally {
      closed = true;
    }
  }
  const onStep = () => {
    throw new Error("mine");
  };
  await assert.rejects(fitTrainer(counting(), batches, { onStep }), { message: "mine" });
  assert.ok(closed);
});
