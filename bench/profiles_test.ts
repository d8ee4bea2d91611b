import assert from "node:assert/strict";
import { measuredRow, sensitivityRow } from "./_testing.ts";
import { profilesOf, shareWithin } from "./profiles.ts";

const runs = (problem: string, method: string, steps: (number | null)[]) =>
  steps.map((stepsToTarget, i) => measuredRow({ problem, method, seed: i + 1, stepsToTarget }));
const steps = { cost: "stepsToTarget" } as const;

// Races: mlp on seeds 1 and 2, softmax on seed 1. Best: 10, 20, nobody.
const rows = [
  ...runs("mlp", "sgd", [40, 20]),
  ...runs("mlp", "adam", [10, 30]),
  ...runs("softmax", "sgd", [null]),
  ...runs("softmax", "adam", [null]),
  ...runs("mlp", "combined", [1, 1]),
];

Deno.test("profilesOf() divides by the best of the methods that ran everywhere", () => {
  const { races, profiles, leftOut } = profilesOf({ rows, sensitivity: [] }, steps);
  assert.equal(races, 3);
  assert.deepEqual(profiles, [
    { method: "sgd", factors: [4, 1, Infinity] },
    { method: "adam", factors: [1, 1.5, Infinity] },
  ]);
  // Its 1 step does not count as the best: it lacks softmax.
  assert.deepEqual(leftOut, ["combined"]);
});

Deno.test("shareWithin() counts races; one that nobody finished is in nobody's share", () => {
  const [sgd, adam] = profilesOf({ rows, sensitivity: [] }, steps).profiles;
  assert.deepEqual([1, 1.5, 3.9, 4, 1e9].map((tau) => shareWithin(sgd!, tau) * 3), [1, 1, 1, 2, 2]);
  assert.deepEqual([1, 1.5, 1e9].map((tau) => shareWithin(adam!, tau) * 3), [1, 2, 2]);
});

Deno.test("profilesOf() can be asked for some methods, which have races of their own", () => {
  const { races, profiles } = profilesOf({ rows, sensitivity: [] }, {
    ...steps,
    among: ["combined"],
  });
  assert.deepEqual([races, profiles], [2, [{ method: "combined", factors: [1, 1] }]]);
});

Deno.test("a method that diverged at every rate has run, without reaching anything", () => {
  const sensitivity = [
    sensitivityRow({ problem: "softmax", method: "combined", learningRate: null }),
  ];
  const { profiles } = profilesOf({ rows, sensitivity }, steps);
  assert.deepEqual(profiles.find(({ method }) => method === "combined")!.factors, [
    1,
    1,
    Infinity,
  ]);
});

Deno.test("whoever starts at the target is best, not NaN times as slow", () => {
  const found = profilesOf({
    rows: [...runs("mlp", "sgd", [0]), ...runs("mlp", "adam", [5])],
    sensitivity: [],
  }, steps);
  assert.deepEqual(found.profiles.map(({ factors }) => factors), [[1], [Infinity]]);
});
