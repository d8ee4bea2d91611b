/** Every public factory refuses every kind of mistake in its options. */
import assert from "node:assert/strict";
import { toSeries } from "./backend.ts";
import * as core from "./mod.ts";
import * as pieces from "./pieces.ts";

type Make = (options: never) => unknown;

/** Factories of options, each with options that it takes and words or flags among them. */
const factories: Record<string, [make: Make, good: object, typo: string, meant: string]> = {
  signalFraction: [core.signalFraction, { decay: 0.9 }, "deacy", "decay"],
  inverseRms: [pieces.inverseRms, { decay: 0.9 }, "eps", "epsilon"],
  normalizedSignal: [pieces.normalizedSignal, { decay: 0.9 }, "expo", "exponent"],
  inverseCurvature: [
    (o) => core.inverseCurvature(core.userCurvature(), o),
    { damping: 1 },
    "dampingform",
    "dampingForm",
  ],
  hutchinson: [core.hutchinson, { every: 2 }, "evry", "every"],
  gaussNewton: [core.gaussNewton, { every: 2 }, "Every", "every"],
  fisher: [core.fisher, { every: 2 }, "everySteps", "every"],
  userCurvature: [core.userCurvature, { every: 2 }, "ever", "every"],
  empiricalFisher: [core.empiricalFisher, { from: "gradient" }, "form", "from"],
  momentum: [core.momentum, { decay: 0.9 }, "nestrov", "nesterov"],
  unitNorm: [core.unitNorm, { epsilon: 1 }, "eps", "epsilon"],
  skipNonFinite: [core.skipNonFinite, { scope: "all" }, "scop", "scope"],
  decoupledWeightDecay: [
    (o) => core.decoupledWeightDecay(0.1, o),
    { match: "w" },
    "mask",
    "match",
  ],
  learningRate: [
    (o) => core.learningRate(0.1, o),
    { decayAfter: 0.1 },
    "multiplyer",
    "multiplier",
  ],
  scaleBy: [(o) => core.scaleBy(pieces.inverseRms(), o), { to: core.momentum() }, "too", "to"],
  linear: [pieces.linear, { from: 1, to: 0, steps: 2 }, "step", "steps"],
  cosine: [pieces.cosine, { from: 1, steps: 2 }, "T_max", "steps"],
  warmRestarts: [pieces.warmRestarts, { from: 1, steps: 2 }, "lenghten", "lengthen"],
  stepDecay: [pieces.stepDecay, { from: 1, factor: 0.5, every: 2 }, "decayRate", "factor"],
  exponential: [pieces.exponential, { from: 1, factor: 0.5, every: 2 }, "init_value", "from"],
  warmUp: [pieces.warmUp, { steps: 2, then: 1 }, "stpes", "steps"],
  reduceOnPlateau: [
    (o) => core.reduceOnPlateau({ learningRate: 1 }, o),
    { factor: 0.5 },
    "patient",
    "patience",
  ],
  createOptimizer: [
    (o) => core.createOptimizer(core.sgd(), o),
    { lowering: "wasm" },
    "lowring",
    "lowering",
  ],
};

/** Things that are no value of any of these options. */
const foreign = [null, Symbol("s"), 1n, [], new Date(0), NaN];

for (const [name, [make, good, typo, meant]] of Object.entries(factories)) {
  Deno.test(`${name}() refuses options that are none, unknown, or of the wrong kind`, () => {
    const given = (options: unknown) => () => make(options as never);
    assert.doesNotThrow(given(good));
    const undefinedToo = Object.fromEntries(Object.keys(good).map((key) => [key, undefined]));
    const needed = Object.keys(good).some((key) => {
      const { [key]: _, ...rest } = good as Record<string, unknown>;
      try {
        make(rest as never);
        return false;
      } catch {
        return true;
      }
    });
    if (needed) assert.throws(given(undefinedToo), { name: "TypeError", message: /not given$/ });
    else assert.doesNotThrow(given(undefinedToo));
    for (const none of [0.5, "0.5", null, [good], true, () => good, new Map()]) {
      assert.throws(given(none), {
        name: "TypeError",
        message: /^Cannot [a-z].*: options must be an object such as \{ .* \}, current value is /,
      });
    }
    assert.throws(given({ ...good, [typo]: 1 }), {
      name: "TypeError",
      message: new RegExp(`"${typo}" is no option, did you mean ${meant}\\? Options are `),
    });
    for (const key of Object.keys(good)) {
      for (const value of foreign) {
        assert.throws(given({ ...good, [key]: value }), (error: Error) => {
          assert.ok(["TypeError", "RangeError"].includes(error.name), String(error));
          assert.match(error.message, new RegExp(`^Cannot .*\\b${key} must be .*, current value`));
          return true;
        }, `${key} of ${String(value)}`);
      }
    }
  });
}

Deno.test("pieces in the wrong place are refused with the way to write them", () => {
  const all: unknown = { ...core, ...pieces };
  const js = all as Record<string, (...given: unknown[]) => unknown>;
  const cases: [() => unknown, string, RegExp][] = [
    [
      () => js.chain!([core.momentum()]),
      "TypeError",
      /stage 1 must be .*chain\(\.\.\.transforms\)/,
    ],
    [() => js.chain!(core.signalFraction()), "TypeError", /scaleBy\(signalFraction\(…\)\)/],
    [() => js.chain!(core.momentum), "TypeError", /call it: momentum\(\)/],
    [() => js.scaleBy!(core.momentum()), "TypeError", /a transform goes into chain\(\)/],
    [() => js.scaleBy!(pieces.inverseRms), "TypeError", /call it: inverseRms\(\)/],
    [() => js.inverseCurvature!(core.gaussNewton), "TypeError", /call it: gaussNewton\(\)/],
    [() => js.inverseCurvature!(), "TypeError", /source must be a curvature source/],
    [
      () => js.inverseCurvature!({ kind: "hessian", every: 1 }),
      "RangeError",
      /known kinds are hut/,
    ],
    [() => js.createOptimizer!(core.adam), "TypeError", /call it: adam\(\)/],
    [() => js.createOptimizer!("adam"), "TypeError", /such as adam\(\), current value is "adam"/],
    [() => js.createOptimizer!(core.momentum()), "TypeError", /write chain\(momentum\(…\)\)/],
    [
      () => js.learningRate!("0.1"),
      "TypeError",
      /rate must be .* schedule, current value is "0.1"/,
    ],
    [() => js.warmUp!({ steps: 5 }), "TypeError", /then must be .*, but it is not given/],
    [() => js.clipByValue!("1"), "TypeError", /limit must be positive, current value is "1"/],
    [() => js.clipByGlobalNorm!({ maximum: 1 }), "TypeError", /maximum must be positive/],
    [() => js.perParameter!({ a: core.sgd() }), "TypeError", /groups must be an array/],
    [() => js.perParameter!([]), "RangeError", /at least 1/],
    [() => js.perParameter!([core.sgd()]), "TypeError", /is no option; options are match, chain/],
    [() => js.perParameter!([{ match: "a", chain: core.sgd }]), "TypeError", /call it: sgd\(\)/],
    [() => js.perParameter!([{ chain: core.sgd() }]), "TypeError", /match must .* not given/],
  ];
  for (const [make, name, message] of cases) {
    assert.throws(make, (error: Error) => {
      assert.match(error.message, /^Cannot [a-z].*[^.]$/);
      assert.match(error.message, message);
      return error.name === name;
    });
  }
});

Deno.test("step() refuses contributions that are none, with their name, and changes nothing", () => {
  const optimizer = core.createOptimizer(core.sgd());
  const weights = Float32Array.of(1), gradient = Float32Array.of(1);
  const cases: [given: unknown, options: unknown, message: RegExp][] = [
    [null, {}, /^Cannot step: contributions must be an object/],
    [[weights], {}, /^Cannot step: contributions must be an object/],
    [new Map([["w", { weights, gradient }]]), {}, /^Cannot step: contributions must be an object/],
    [{ w: [weights, gradient] }, {}, /^Cannot step "w": options must be an object/],
    [{ w: { weights } }, {}, /^Cannot step "w": gradient must .* not given/],
    [{ w: { weights, grad: gradient } }, {}, /^Cannot step "w": "grad" .* did you mean gradient/],
    [{ w: { weights, gradient: [1] } }, {}, /^Cannot step "w": gradient must be a Float32Array/],
    [{ w: { weights, gradient, shape: 1 } }, {}, /^Cannot step "w": shape must be an array/],
    [{ w: { weights, gradient, shape: [2] } }, {}, /^Cannot step "w": weights should have 2/],
    [{ w: { weights, gradient } }, { batchsize: 3 }, /"batchsize" .* did you mean batchSize/],
    [
      { w: { weights, gradient } },
      { microBatches: 1.5 },
      /microBatches must be a positive integer/,
    ],
    [{ w: { weights, gradient } }, 32, /options must be an object such as \{ batchSize: 32 \}/],
  ];
  for (const [given, options, message] of cases) {
    assert.throws(() => optimizer.step(given as never, options as never), { message });
  }
  assert.deepEqual([weights[0], optimizer.iteration], [1, 0]);
  optimizer.step({ w: { weights, gradient, shape: undefined } } as never, undefined);
  assert.equal(optimizer.iteration, 1);
});

Deno.test("step() refuses weights that two names share, and takes views beside each other", () => {
  const optimizer = core.createOptimizer(core.sgd({ learningRate: 1 }));
  const all = new Float32Array(6), gradient = Float32Array.of(1, 1);
  const step = (...offsets: number[]) =>
    optimizer.step(Object.fromEntries(offsets.map((offset, i) => [
      `w${i}`,
      { weights: all.subarray(offset, offset + 2), gradient },
    ])));
  for (const offsets of [[0, 0], [2, 4, 3], [4, 0, 3]]) {
    assert.throws(() => step(...offsets), {
      name: "TypeError",
      message: /^Cannot step "w\d": its weights share memory with those of "w\d", .* give tied/,
    });
  }
  assert.equal(optimizer.iteration, 0);
  step(4, 0, 2);
  assert.deepEqual([...all], [-1, -1, -1, -1, -1, -1]);
});

Deno.test("step() refuses evidence in the memory of weights, but takes the weights' own array", () => {
  for (const lowering of ["javascript", "wasm"] as const) {
    const optimizer = core.createOptimizer(core.sgd({ learningRate: 1 }), { lowering });
    const all = Float32Array.of(1, 2, 3), a = Float32Array.of(1), b = Float32Array.of(2);
    const shared: Record<string, core.ArrayContribution>[] = [
      { w: { weights: all.subarray(1), gradient: all.subarray(0, 2) } },
      { w: { weights: all.subarray(0, 2), gradient: all.subarray(1) } },
      { a: { weights: a, gradient: b }, b: { weights: b, gradient: Float32Array.of(1) } },
      {
        w: { weights: all, gradient: new Float32Array(3), curvature: new Float32Array(all.buffer) },
      },
    ];
    for (const given of shared.slice(0, 3)) {
      assert.throws(() => optimizer.step(given), {
        name: "TypeError",
        message: /^Cannot step "\w": its gradient shares memory with the weights of "\w", .* copy$/,
      });
    }
    assert.deepEqual([...all, ...a, ...b], [1, 2, 3, 1, 2]);
    optimizer.step({ w: { weights: all, gradient: all } });
    assert.deepEqual([...all], [0, 0, 0]);
    optimizer.step(shared[3]!);
  }
});

Deno.test("slot() and curvatureDue() refuse what is no name of theirs", () => {
  const optimizer = core.createOptimizer(core.adam());
  optimizer.step({ w: { weights: new Float32Array(1), gradient: new Float32Array(1) } });
  for (const slot of ["constructor", "__proto__", null, 5]) {
    assert.throws(() => optimizer.slot("w", slot as never), {
      name: "TypeError",
      message: `Cannot find slot "${slot}" of "w": known are inverseRms.v, inverseRms.to.m`,
    });
  }
  for (const names of ["w", undefined, [5], { w: 1 }]) {
    assert.throws(() => optimizer.curvatureDue(names as never), {
      message: /^Cannot tell whether curvature is due: names must be an array/,
    });
  }
});

Deno.test("advise() and toSeries() refuse what is no report", () => {
  for (
    const none of [undefined, null, 5, {}, [], { noiseScale: "1", evidence: 0, variables: {} }]
  ) {
    assert.throws(() => core.advise(none as never), { message: /be a report of telemetry\(\)/ });
    assert.throws(() => toSeries([none] as never), { message: /be a report of telemetry\(\)/ });
  }
  assert.throws(() => toSeries(5 as never), { message: /^Cannot draw the reports: reports must/ });
});
