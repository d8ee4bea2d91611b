import assert from "node:assert/strict";
import { random } from "@precond/testing";
import { arrayBackend, type Backend, createDriver, type Driver } from "../backend.ts";
import { chain, inBasis, inverseRms, kronecker, learningRate, scaleBy } from "../pieces.ts";

/** Arrays that are read like a device's: not before `deliver()` is called. */
function slowBackend(canWait: boolean): Backend<Float32Array> & { deliver(): void } {
  const host = arrayBackend();
  let waiting: (() => void)[] = [];
  return {
    ...host,
    read: (array) => {
      const values = (host.read(array) as Float32Array).slice();
      const late = new Promise<Float32Array>((resolve) => waiting.push(() => resolve(values)));
      return canWait ? Object.assign(late, { now: () => values }) : late;
    },
    deliver() {
      for (const go of waiting) go();
      waiting = [];
    },
  };
}

Deno.test("a refresh that is read asynchronously takes effect `every` steps later, however late it comes", async () => {
  const shape = [3, 4], size = 12, every = 4;
  const definition = () =>
    chain(
      inBasis(kronecker({ every, sides: "both" }), scaleBy(inverseRms())),
      learningRate(0.1),
    );
  const path = async (
    backend: Backend<Float32Array> & { deliver?(): void },
    between: (driver: Driver<Float32Array>, step: number) => void | Promise<void>,
  ) => {
    const driver = createDriver(definition(), backend);
    const { normal } = random(3);
    const weights = new Float32Array(size);
    const seen: number[][] = [];
    for (let step = 1; step <= 14; step++) {
      const gradient = Float32Array.from({ length: size }, normal);
      await between(driver, step);
      driver.step([{ name: "w", shape, weights, gradient }]);
      seen.push([...weights]);
    }
    return seen;
  };
  const prompt = slowBackend(false);
  const expected = await path(prompt, async (driver) => {
    prompt.deliver();
    await driver.ready();
    await Promise.resolve();
  });
  // A host that waits for it just before it is needed.
  const waiting = slowBackend(false);
  let waits = 0;
  assert.deepEqual(
    await path(waiting, async (driver) => {
      const ready = driver.ready();
      if (ready === undefined) return;
      waits++;
      waiting.deliver();
      await ready;
    }),
    expected,
  );
  assert.equal(waits, 2);
  // A host whose steps are in one loop, and which can read at once.
  assert.deepEqual(await path(slowBackend(true), () => {}), expected);
  // One that cannot goes on in the basis before, and says so once.
  const { warn } = console;
  const said: string[] = [];
  console.warn = (text: string) => said.push(text);
  try {
    const late = await path(slowBackend(false), () => {});
    assert.deepEqual(late.slice(0, 8), expected.slice(0, 8));
    assert.notDeepEqual(late[8], expected[8]);
    assert.ok(late.flat().every(Number.isFinite));
  } finally {
    console.warn = warn;
  }
  assert.equal(said.length, 1);
  assert.match(said[0]!, /eigenbasis of "w" has not been read in time/);
});
