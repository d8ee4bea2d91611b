import assert from "node:assert/strict";
import { interleaved } from "./interleaved.ts";
import type { Waits } from "./rows.ts";

/** Busy for some milliseconds, so that a sample of 15 ms has a known number of steps. */
function busy(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

async function eventsOf(waits: Waits): Promise<{ events: string[]; times: Map<string, number> }> {
  const events: string[] = [];
  const contender = (name: string) => ({
    name,
    variables: [],
    step() {
      events.push(`step ${name}`);
      busy(20);
    },
    dispose() {},
  });
  const times = await interleaved([contender("a"), contender("b")], 5, {
    after: waits,
    wait({ name }) {
      events.push(`wait ${name}`);
      return Promise.resolve();
    },
  });
  return { events, times };
}

Deno.test("interleaved() waits after every step of both sides, in turn", async () => {
  const { events, times } = await eventsOf("step");
  const count = (event: string) => events.filter((e) => e === event).length;
  // Two to warm up, one to see how long a step takes, then five samples of one.
  assert.deepEqual([count("step a"), count("step b")], [8, 8]);
  events.forEach((event, i) => {
    if (event.startsWith("step")) assert.equal(events[i + 1], event.replace("step", "wait"));
  });
  const last = ["step a", "wait a", "step b", "wait b", "wait a"];
  assert.deepEqual(events.slice(-10), [...last, ...last]);
  assert.deepEqual([...times.keys()], ["a", "b", "wait"]);
  assert.ok(times.get("a")! >= 20 && times.get("b")! >= 20);
});

Deno.test('interleaved() waits once a sample with "sample"', async () => {
  const { events } = await eventsOf("sample");
  const from = events.lastIndexOf("step a");
  assert.deepEqual(events.slice(from + 1).filter((e) => e === "wait b"), ["wait b"]);
  const steps = events.slice(from + 1).filter((e) => e === "step b").length;
  // 200 ms of 20 ms each, or fewer on a busy machine.
  assert.ok(steps > 1 && steps <= 10, `${steps} steps`);
});

Deno.test("interleaved() has the time of a part of each step", async () => {
  let part = 0;
  const step = () => {
    const start = performance.now();
    busy(5);
    part += performance.now() - start;
    busy(15);
  };
  const times = await interleaved([{ name: "a", step, part: () => part }], 5);
  assert.deepEqual([...times.keys()], ["a", "a part"]);
  const [whole, inside] = [times.get("a")!, times.get("a part")!];
  assert.ok(inside >= 5 && whole >= inside + 15, `${inside} of ${whole} ms`);
});

Deno.test("interleaved() has turns that do not count before those that do", async () => {
  let steps = 0;
  // Slow until it has run 8 times: two to begin with, one to see how long it takes, five turns.
  const step = () => busy(++steps <= 8 ? 40 : 4);
  const times = await interleaved([{ name: "a", step }], 5, undefined, {
    milliseconds: 10,
    untimed: 5,
  });
  assert.ok(times.get("a")! < 20, `${times.get("a")} ms`);
  assert.equal(steps, 2 + 1 + 5 + 5);
});
