import assert from "node:assert/strict";
import { conformanceCases, heldCases, testParameters, testSteps } from "@precond/testing";
import {
  adam,
  adamW,
  type Chain,
  chain,
  createOptimizer,
  decoupledWeightDecay,
  type Definition,
  gaussNewton,
  inverseCurvature,
  learningRate,
  perParameter,
  scaleBy,
  type Schedule,
  sgd,
  signalFraction,
  signalNewton,
  type Transform,
} from "../mod.ts";
import {
  constant,
  cosine,
  exponential,
  linear,
  stepDecay,
  warmRestarts,
  warmUp,
} from "../pieces.ts";
import { parseDefinition, stringifyDefinition } from "../backend.ts";

/** All weights after 6 steps. */
function train(definition: Definition, curvature = true) {
  const parameters = testParameters();
  const optimizer = createOptimizer(definition);
  for (
    const { evidence, ...options } of testSteps(
      6,
      curvature ? { curvature: () => true, gradientSquares: () => true } : {},
    )
  ) {
    const given = Object.entries(evidence).map((
      [name, e],
    ) => [name, { ...e, ...parameters[name]! }]);
    optimizer.step(Object.fromEntries(given), options);
  }
  return Object.values(parameters).map(({ weights }) => [...weights]);
}

Deno.test("a definition read from its JSON trains as the original, to the bit", async (t) => {
  for (const { name, definition } of [...conformanceCases, ...heldCases]) {
    const original = definition();
    if (!original.spec) continue; // a multiplier of the test's own
    await t.step(name, () => {
      const text = stringifyDefinition(original);
      const copy = parseDefinition(text);
      assert.equal(stringifyDefinition(copy), text);
      assert.deepEqual(train(copy), train(original));
    });
  }
});

Deno.test("groups, patterns, nested schedules and infinities survive", () => {
  const schedule = warmUp({ steps: 3, then: cosine({ from: 0.2, to: 0.1, steps: 5 }) });
  const original = perParameter([
    { match: /BIAS|^s/giu, chain: adamW({ learningRate: schedule, match: /a/ }) },
    { match: "dead", chain: sgd() },
    {
      match: /./,
      chain: signalNewton({ curvature: gaussNewton({ every: 3 }), stepClip: Infinity }),
    },
  ]);
  const copy = parseDefinition(stringifyDefinition(original));
  assert.ok("groups" in copy && copy.groups.length === 3);
  assert.deepEqual(copy.groups[0]!.match, /BIAS|^s/giu);
  assert.deepEqual(copy.curvature, { kind: "gaussNewton", every: 3, first: 3 });
  assert.deepEqual(train(copy), train(original));
  assert.match(stringifyDefinition(original), /"stepClip":\{"\$number":"Infinity"\}/);
});

Deno.test("every schedule survives", () => {
  const schedules: Schedule[] = [
    constant(0.3),
    linear({ from: 1, to: 0.1, steps: 9 }),
    cosine({ from: 1, steps: 9 }),
    stepDecay({ from: 1, factor: 0.5, every: 2 }),
    exponential({ from: 1, factor: 0.5, every: 2 }),
    warmRestarts({ from: 1, to: 0.1, steps: 2, lengthen: 1.5, shrink: 0.9 }),
    warmUp({ steps: 3, then: warmRestarts({ from: 0.2, steps: 2 }) }),
  ];
  for (const schedule of schedules) {
    const copy = parseDefinition(stringifyDefinition(chain(learningRate(schedule)))) as Chain;
    for (let n = 0; n < 12; n++) assert.equal(copy.learningRate!(n), schedule(n));
  }
});

Deno.test("an infinite stepClip is no clip after reading, too", () => {
  const make = (stepClip: number) =>
    chain(scaleBy(inverseCurvature(gaussNewton(), { stepClip, damping: 1e-6 })));
  const copy = parseDefinition(stringifyDefinition(make(Infinity)));
  assert.deepEqual(train(copy), train(make(Infinity)));
  assert.notDeepEqual(train(copy), train(make(0.1)));
});

Deno.test("what is the caller's own code is not written", () => {
  const own: Transform = {
    name: "own",
    needs: ["gradient"],
    slots: {},
    scalars: () => ({}),
    apply: ({ x }) => ({ update: x, slots: {} }),
  };
  const definitions: Definition[] = [
    chain(own),
    chain(scaleBy(signalFraction(), { to: own })),
    chain(learningRate(Object.assign((n: number) => 1 / (n + 1), {}))),
    chain(learningRate(0.1, { multiplier: () => 2 })),
    chain(learningRate(warmUp({ steps: 3, then: Object.assign(() => 1, {}) }))),
    chain(decoupledWeightDecay(0.1, { match: () => true })),
    perParameter([{ match: () => true, chain: adam() }]),
  ];
  for (const definition of definitions) {
    assert.throws(() => stringifyDefinition(definition), {
      name: "TypeError",
      message: /^Cannot write the optimizer as JSON: .* a function of your own/,
    });
  }
});

Deno.test("what is not a definition is refused", () => {
  const damaged = /^Cannot read the optimizer from JSON: the text is damaged$/;
  const notChain = /^Cannot read the optimizer from JSON: the text is not a chain$/;
  const cases: [unknown, RegExp][] = [
    ["{", damaged],
    [null, damaged],
    [3, damaged],
    [{}, damaged],
    [{ make: "chain" }, damaged],
    [{ make: "eval", with: ["1"] }, damaged],
    [{ make: "chain", with: [{ $make: "Function", $with: ["return 1"] }] }, damaged],
    [{ make: "chain", with: [5] }, damaged],
    [{ make: "chain", with: [{ $make: "momentum" }] }, damaged],
    [{ make: "chain", with: [{ $make: "clipByValue", $with: [-1] }] }, damaged],
    [{ make: "constant", with: [1] }, notChain],
    [{ make: "momentum", with: [{}] }, notChain], // a piece, not a chain of one
    [{ make: "signalFraction", with: [{}] }, notChain],
  ];
  for (const name of ["constructor", "toString", "hasOwnProperty", "__proto__", "valueOf"]) {
    cases.push([{ make: name, with: [] }, damaged]);
    cases.push([{ make: "chain", with: [{ $make: name, $with: [] }] }, damaged]);
  }
  for (const [value, message] of cases) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    assert.throws(() => parseDefinition(text), { name: "TypeError", message }, text);
  }
});

Deno.test("the cause of a refusal names the unknown piece", () => {
  try {
    parseDefinition('{"make":"chain","with":[{"$make":"constructor","$with":[]}]}');
    assert.fail();
  } catch (error) {
    assert.match(
      String((error as Error).cause),
      /TypeError: Cannot make the optimizer: "constructor" is unknown/,
    );
  }
});
