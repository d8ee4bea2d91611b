import { assertClose } from "./_testing.ts";
import {
  constantSchedule,
  cosineSchedule,
  exponentialSchedule,
  linearSchedule,
  type Schedule,
  stepDecaySchedule,
  warmRestartsSchedule,
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

Deno.test("exponentialSchedule() and warmRestartsSchedule() by hand", () => {
  const halving = exponentialSchedule({ from: 8, factor: .25, every: 2 });
  assertClose(at(halving, 0, 1, 2, 5), [8, 4, 2, .25]);
  // Periods of 2, 6, 18 updates that start at 4, 2, 1 and end above 0.
  const restarts = warmRestartsSchedule({ from: 4, steps: 2, lengthen: 3, shrink: .5 });
  // Three of six: half of the peak; two of six: three fourths.
  assertClose(at(restarts, 0, 1, 2, 4, 5, 8, 17), [4, 2, 2, 1.5, 1, 1, .5]);
});
