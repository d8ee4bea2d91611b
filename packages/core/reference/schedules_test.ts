import { assertClose } from "./_testing.ts";
import {
  constantSchedule,
  cosineSchedule,
  linearSchedule,
  type Schedule,
  stepDecaySchedule,
  warmUpSchedule,
} from "./schedules.ts";

const at = (schedule: Schedule, ...updates: number[]) => updates.map(schedule);

Deno.test("the schedules at their ends, in the middle, and after the end", () => {
  assertClose(at(constantSchedule(.3), 0, 1e6), [.3, .3]);
  assertClose(at(linearSchedule({ from: 1, to: 3, steps: 4 }), 0, 1, 4, 9), [1, 1.5, 3, 3]);
  // cos(π/3) = 1/2: to + (from − to)·3/4
  assertClose(at(cosineSchedule({ from: 4, steps: 6 }), 0, 2, 3, 6, 7), [4, 3, 2, 0, 0]);
  assertClose(at(cosineSchedule({ from: 4, to: 2, steps: 6 }), 3, 6), [3, 2]);
  assertClose(at(stepDecaySchedule({ from: 8, factor: .5, every: 3 }), 0, 2, 3, 6), [8, 8, 4, 2]);
});

Deno.test("warmUpSchedule() rises to then(0) and hands over to then, counted from its own start", () => {
  const then = linearSchedule({ from: 2, to: 0, steps: 4 });
  assertClose(at(warmUpSchedule({ steps: 2, then }), 0, 1, 2, 3, 6), [1, 2, 2, 1.5, 0]);
});
