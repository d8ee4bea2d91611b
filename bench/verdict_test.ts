import assert from "node:assert/strict";
import { methodNamed } from "./methods.ts";
import type { Interval } from "./statistics.ts";
import type { Metric, Summary } from "./summary.ts";
import { verdict, words } from "./verdict.ts";

function summary(name: string, interval?: [number, number, number]): Summary {
  const of: Interval | undefined = interval &&
    { low: interval[0], middle: interval[1], high: interval[2] };
  const metrics = { stepsToTarget: of } as Record<Metric, Interval | undefined>;
  return {
    method: methodNamed(name),
    rows: [],
    sensitivity: undefined,
    metrics,
    prediction: undefined,
  };
}

const say = (...summaries: Summary[]) =>
  words(verdict(summaries, "stepsToTarget"), "stepsToTarget", "nobody");

Deno.test("a verdict names the winner and the next best", () => {
  assert.equal(
    say(summary("sgd", [8, 9, 10]), summary("adam", [3, 4, 5]), summary("momentum")),
    "Adam (4) wins; next: SGD (9)",
  );
});

Deno.test("overlapping intervals are a tie", () => {
  assert.equal(
    say(summary("sgd", [5, 6, 10]), summary("adam", [3, 4, 5]), summary("momentum", [11, 12, 13])),
    "tie of Adam (4), SGD (6); next: SGD + momentum 0.9 (12)",
  );
});

Deno.test("a tie of everybody is no difference", () => {
  const all = ["sgd", "momentum", "adam", "snr"].map((name, i) => summary(name, [0, i, 9]));
  assert.equal(
    say(...all),
    "no difference to speak of: 4 methods tie, from SGD (0) to SNR only, T (3)",
  );
});

Deno.test("nobody wins what nobody reached", () => {
  assert.equal(say(summary("sgd"), summary("adam", [3, Infinity, Infinity])), "nobody");
});
