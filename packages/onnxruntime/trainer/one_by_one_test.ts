import assert from "node:assert/strict";
import { oneByOne } from "./one_by_one.ts";

const fails = (error: Error) => () => Promise.reject(error);
const deviceError = new Error("Buffer with '' label is invalid");
const lostError = {
  name: "Error",
  message: "Cannot step: the WebGPU device is lost (gone); create a new trainer and load() the " +
    "last saved state",
};

Deno.test("oneByOne() waits for the reason of a failure, which comes after it", async () => {
  let reason: string | undefined;
  const inTurn = oneByOne(() => reason);
  const timer = setTimeout(() => reason = "gone", 50);
  await assert.rejects(inTurn("step", fails(deviceError)), { ...lostError, cause: deviceError });
  clearTimeout(timer);
  // From then on nothing begins.
  await assert.rejects(inTurn("step", () => Promise.resolve(1)), lostError);
  await assert.rejects(inTurn.aside("step", () => Promise.resolve(1)), lostError);
  assert.throws(() => inTurn.open("step"), lostError);
  assert.equal(await inTurn.last("release", () => Promise.resolve(1)), 1);
});

Deno.test("oneByOne() leaves errors as they are while there is a device, and without one", async () => {
  const ours = new TypeError("Cannot step");
  for (const lost of [undefined, () => undefined]) {
    const inTurn = oneByOne(lost);
    for (const error of [ours, deviceError]) {
      const caught = (e: unknown) => e === error;
      await assert.rejects(inTurn("step", fails(error)), caught);
      await assert.rejects(inTurn.aside("step", fails(error)), caught);
    }
  }
});

Deno.test("oneByOne() wraps a failure of ours, too, once the reason is known", async () => {
  let reason: string | undefined;
  const inTurn = oneByOne(() => reason);
  const step = inTurn("step", () => {
    reason = "gone";
    return Promise.reject(new TypeError("Illegal invocation"));
  });
  await assert.rejects(step, lostError);
});
