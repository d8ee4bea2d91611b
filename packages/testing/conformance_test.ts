/** The suite itself: it must fail for a subject that is wrong anywhere. */
import assert from "node:assert/strict";
import { sgd } from "@precond/core";
import { arrayBackend, createDriver } from "@precond/core/backend";
import {
  backendSubject,
  checkConformance,
  conformanceCases,
  everyAlias,
  nonFiniteCases,
  random,
  representatives,
  type SubjectFactory,
  testSteps,
} from "./mod.ts";
import { featuresOf } from "./representatives.ts";

const right = backendSubject(arrayBackend());
const named = (name: string) => conformanceCases.find((c) => c.name.startsWith(name))!;

Deno.test("checkConformance() passes what follows the reference and disposes it", async () => {
  let disposed = 0;
  const factory: SubjectFactory = async (definition, parameters) => {
    const subject = await right(definition, parameters);
    return { ...subject, dispose: () => (disposed++, subject.dispose()) };
  };
  await checkConformance(named("adam("), factory);
  assert.equal(disposed, 1);
});

Deno.test("checkConformance() fails for another definition, a lost step, or one wrong element", async () => {
  const wrong: Record<string, SubjectFactory> = {
    "another definition": (_, parameters) => right(sgd(), parameters),
    "a step left out": async (definition, parameters) => {
      const subject = await right(definition, parameters);
      let t = 0;
      return { ...subject, step: (s) => ++t === 41 ? undefined : subject.step(s) };
    },
    "one element off by 2e-3": async (definition, parameters) => {
      const subject = await right(definition, parameters);
      const weights = async () => {
        const all = await subject.weights();
        const cube = Float32Array.from(all.cube!);
        cube[23]! += 2e-3;
        return { ...all, cube };
      };
      return { ...subject, weights };
    },
  };
  for (const [name, factory] of Object.entries(wrong)) {
    await assert.rejects(
      checkConformance(named("adam("), factory),
      { name: "AssertionError" },
      name,
    );
  }
});

Deno.test("every case has a name of its own", () => {
  const names = conformanceCases.map(({ name }) => name);
  assert.deepEqual(names.filter((name, i) => names.indexOf(name) !== i), []);
});

Deno.test("representatives() leave out only what they ask for together", () => {
  for (const cases of [conformanceCases, nonFiniteCases]) {
    const few = representatives(cases);
    const asked = (of: typeof cases) => [...new Set(of.flatMap((c) => [...featuresOf(c)]))].sort();
    assert.deepEqual(asked(few), asked(cases));
    assert.ok(few.length <= cases.length / 2, `${few.length} of ${cases.length}`);
  }
  const aliases = (cases: typeof conformanceCases) =>
    Object.keys(everyAlias).filter((alias) =>
      cases.some(({ name }) => name.startsWith(`${alias}(`))
    );
  assert.deepEqual(aliases(representatives(conformanceCases)), aliases(conformanceCases));
});

Deno.test("featuresOf() has the operations of a rule, how often each runs, and its evidence", () => {
  // w − η ∇, of which η is a scalar or constant
  const asked = featuresOf(named("sgd()"));
  for (const feature of ["sgd", "sub for each element", "element read", "element written"]) {
    assert.ok(asked.has(feature), `${feature} is none of ${[...asked].join(", ")}`);
  }
  assert.ok(!asked.has("sqrt for each element"));
  assert.ok(featuresOf(named("adam()")).has("sqrt for each element"));
  assert.ok(featuresOf(named("vSgd()")).has("curvature"));
});

Deno.test("testSteps() is the same every time and brings what the plan says", () => {
  const plan = { curvature: (t: number) => t === 1, gradientSquares: (t: number) => t < 2 };
  const steps = testSteps(4, plan);
  assert.deepEqual(testSteps(4, plan), steps);
  assert.notDeepEqual(testSteps(4, plan, 2), steps);
  const brought = (key: "curvature" | "gradientSquares") =>
    steps.map(({ evidence }) => Object.values(evidence).every((e) => e[key] !== undefined));
  assert.deepEqual(brought("curvature"), [false, true, false, false]);
  assert.deepEqual(brought("gradientSquares"), [true, true, false, false]);
  for (const { evidence } of steps.slice(0, 2)) {
    for (const { gradient, gradientSquares } of Object.values(evidence)) {
      // The mean of squares is at least the square of the mean.
      gradient.forEach((g, i) => assert.ok(gradientSquares![i]! >= g * g * (1 - 1e-6)));
    }
  }
});

Deno.test("backendSubject() leaves nothing in the driver", async () => {
  const backend = arrayBackend();
  let live = 0;
  const counting: typeof backend = {
    ...backend,
    allocate: (...args) => (live++, backend.allocate(...args)),
    dispose: () => void live--,
  };
  const driver = createDriver(sgd({ momentum: 0.9 }), counting);
  const array = () => new Float32Array(2);
  driver.step([{ name: "w", shape: [2], weights: array(), gradient: array() }]);
  assert.equal(live, 1);
  driver.dispose();
  assert.equal(live, 0);
  await checkConformance(named("sgd()"), backendSubject(backend), { steps: 2 });
});

Deno.test("random(): the same numbers from a seed, uniform in [0, 1), normal with moments 0, 1, 0, 3", () => {
  assert.deepEqual(
    Array.from({ length: 5 }, random(3).uniform),
    Array.from({ length: 5 }, random(3).uniform),
  );
  const { uniform, normal, integer } = random(1);
  const n = 200_000;
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  const u = Array.from({ length: n }, uniform), z = Array.from({ length: n }, normal);
  assert.ok(u.every((x) => x >= 0 && x < 1));
  assert.ok(Math.abs(mean(u) - 0.5) < 4 / Math.sqrt(12 * n));
  // Five standard errors: Var z = 1, Var z² = 2, Var z³ = 15, Var z⁴ = 96.
  for (const [power, moment, variance] of [[1, 0, 1], [2, 1, 2], [3, 0, 15], [4, 3, 96]] as const) {
    const found = mean(z.map((x) => x ** power));
    assert.ok(
      Math.abs(found - moment) < 5 * Math.sqrt(variance / n),
      `E zᵖ, p = ${power}: ${found}`,
    );
  }
  const counts = new Array(6).fill(0);
  for (let i = 0; i < 60_000; i++) counts[integer(6)]++;
  assert.ok(counts.every((c) => Math.abs(c - 10_000) < 5 * Math.sqrt(10_000)));
});
