/** Every option out of range is refused where it is given, by its name and value. */
import assert from "node:assert/strict";
import * as core from "./mod.ts";
import * as pieces from "./pieces.ts";

type Make = (value: never) => unknown;
const n = Number.NaN;

const ranges: [option: string, make: Make, bad: unknown[]][] = [
  ["decay", (decay) => core.signalFraction({ decay }), [-0.1, 1, n]],
  ["warmup", (warmup) => core.signalFraction({ warmup }), [0, 1, 2.5, n]],
  ["floor", (floor) => core.signalFraction({ floor }), [-0.1, 1.1, n]],
  ["exponent", (exponent) => core.signalFraction({ exponent }), [0, -1, 4.125, 0.3, n]],
  ["memory", (memory) => core.signalFraction({ memory }), ["long"]],
  ["from", (from) => core.signalFraction({ from }), ["batch"]],
  ["of", (of) => core.signalFraction({ of }), ["average"]],
  ["correction", (correction) => core.signalFraction({ correction }), ["bias"]],
  ["scale", (scale) => core.signalFraction({ scale }), ["unit"]],
  ["pool", (pool) => core.signalFraction({ pool }), ["all"]],
  ["decay", (decay) => core.inverseCurvature(core.userCurvature(), { decay }), [-1, 1, n]],
  ["gain", (gain) => core.inverseCurvature(core.userCurvature(), { gain }), [0, -1, Infinity, n]],
  ["damping", (damping) => core.inverseCurvature(core.userCurvature(), { damping }), [
    -1,
    Infinity,
    n,
  ]],
  ["stepClip", (stepClip) => core.inverseCurvature(core.userCurvature(), { stepClip }), [0, -1, n]],
  ["moment", (moment) => core.inverseCurvature(core.userCurvature(), { moment }), ["median"]],
  ["sign", (sign) => core.inverseCurvature(core.userCurvature(), { sign }), ["negative"]],
  ["dampingForm", (dampingForm) => core.inverseCurvature(core.userCurvature(), { dampingForm }), [
    "min",
  ]],
  ["every", (every) => core.hutchinson({ every }), [0, -1, 1.5, n]],
  ["every", (every) => core.gaussNewton({ every }), [0, n]],
  ["every", (every) => core.fisher({ every }), [0, n]],
  ["every", (every) => core.userCurvature({ every }), [0, n]],
  ["from", (from) => core.empiricalFisher({ from }), ["labels"]],
  ["decay", (decay) => pieces.inverseRms({ decay }), [-1, 1, n]],
  ["epsilon", (epsilon) => pieces.inverseRms({ epsilon }), [-1, Infinity, n]],
  ["placement", (placement) => pieces.inverseRms({ placement }), ["beside"]],
  ["decay", (decay) => core.momentum({ decay }), [-1, 1, n]],
  ["form", (form) => core.momentum({ form }), ["product"]],
  ["scope", (scope) => core.unitNorm({ scope }), ["column"]],
  ["epsilon", (epsilon) => core.unitNorm({ epsilon }), [-1, n]],
  ["maximum", (maximum) => core.clipByGlobalNorm(maximum), [0, -1, n, Infinity]],
  ["limit", (limit) => core.clipByValue(limit), [0, -1, n, Infinity]],
  ["rate", (rate) => core.decoupledWeightDecay(rate), [-1, n, Infinity]],
  ["value", (rate) => core.learningRate(rate as number), [-1, n, Infinity]],
  ["scope", (scope) => core.skipNonFinite({ scope }), ["row"]],
  ["from", (from) => pieces.linear({ from, to: 1, steps: 1 }), [-1, n]],
  ["to", (to) => pieces.linear({ from: 1, to, steps: 1 }), [-1, n]],
  ["steps", (steps) => pieces.linear({ from: 1, to: 1, steps }), [0, -1, n]],
  ["from", (from) => pieces.cosine({ from, steps: 1 }), [-1, n]],
  ["to", (to) => pieces.cosine({ from: 1, to, steps: 1 }), [-1, n]],
  ["steps", (steps) => pieces.cosine({ from: 1, steps }), [0, n]],
  ["steps", (steps) => pieces.warmUp({ steps, then: 1 }), [0, n]],
  ["value", (then) => pieces.warmUp({ steps: 1, then }), [-1, n]],
  ["from", (from) => pieces.stepDecay({ from, factor: 1, every: 1 }), [-1, n]],
  ["factor", (factor) => pieces.stepDecay({ from: 1, factor, every: 1 }), [0, -1, n]],
  ["every", (every) => pieces.stepDecay({ from: 1, factor: 1, every }), [0, n]],
  ["first", (first) => core.signalNewton({ first }), ["noise"]],
  ["lowering", (lowering) => core.createOptimizer(core.sgd(), { lowering }), ["cuda"]],
];

for (const [option, make, bad] of ranges) {
  const [, source] = String(make).match(
    /(?:core|pieces)\.(?!userCurvature\(\)|sgd\(\))(\w+)\(/,
  )!;
  Deno.test(`${source}() refuses ${option} of ${bad.join(", ")}`, () => {
    for (const value of bad) {
      assert.throws(() => make(value as never), (error: Error) => {
        assert.equal(error.name, "RangeError");
        assert.match(error.message, /^Cannot [a-z].*[^.]$/);
        assert.match(error.message, new RegExp(`\\b${option}\\b`));
        assert.ok(error.message.includes(String(value)), error.message);
        return true;
      });
    }
  });
}

Deno.test("a piece written by hand that lacks a part is refused with the parts it has", () => {
  const common = { name: "own", needs: ["gradient"], slots: { m: {} }, scalars: () => ({}) };
  const makers = {
    scale: {
      formula: "estimate",
      make: (piece: core.PreconditionerEstimator) => core.chain(core.scaleBy(piece)),
      good: ({ x, slot }: core.RuleInputs) => ({ factor: x, slots: { m: slot("m") } }),
      missing: /value must be a number, current value is undefined/,
    },
    chain: {
      formula: "apply",
      make: (piece: core.Transform) => core.chain(piece),
      good: ({ x, slot }: core.RuleInputs) => ({ update: x, slots: { m: slot("m") } }),
      missing: /^Cannot build "own": it returns no \{ update, slots \}$/,
    },
  };
  for (const [action, { formula, make, good, missing }] of Object.entries(makers)) {
    const made = (piece: object) => () => core.createOptimizer(make(piece as never));
    made({ ...common, [formula]: good })();
    const bad: readonly object[] = [
      { needs: ["gradientSqares"] },
      { needs: "gradient" },
      { needs: undefined },
      { slots: undefined },
      { scalars: undefined },
      { scalars: {} },
      { [formula]: 3 },
      { [formula]: null },
    ];
    for (const part of bad) {
      assert.throws(made({ ...common, [formula]: good, ...part }), {
        name: "TypeError",
        message: new RegExp(
          `^Cannot ${action}: .*; it has slots, scalars\\(\\), needs of gradient,gradientSquares,curvature$`,
        ),
      });
    }
    for (const nothing of [() => undefined, () => ({})]) {
      assert.throws(made({ ...common, [formula]: nothing }), { message: missing });
    }
  }
});

Deno.test("pieces that do not go together are a TypeError that says why", () => {
  const squares = core.scaleBy(core.signalFraction({ from: "gradientSquares" }));
  const newton = (every: number) => core.scaleBy(core.inverseCurvature(core.hutchinson({ every })));
  const cases: [() => unknown, RegExp][] = [
    [() => core.signalFraction({ from: "gradientSquares", of: "mean" }), /goes with of "sample"/],
    [
      () => core.signalFraction({ from: "gradientSquares", memory: "adaptive" }),
      /and memory "fixed"/,
    ],
    [() => core.chain(core.momentum(), squares), /"signalFraction" needs gradientSquares/],
    [() => core.chain(core.clipByValue(1), squares), /put it before that/],
    [() => core.chain(core.decoupledWeightDecay(0.1), squares), /does not let them through/],
    [() => core.chain(core.unitNorm(), squares), /does not let them through/],
    [() => core.chain(newton(1), newton(2)), /wants hutchinson curvature every 2 .* every 1/],
    [
      () =>
        core.perParameter([
          { match: "a", chain: core.chain(newton(1)) },
          { match: "b", chain: core.sophia() },
        ]),
      /b wants gaussNewton curvature every 10 steps, an earlier group hutchinson every 1/,
    ],
  ];
  for (const [make, message] of cases) {
    assert.throws(make, { name: "TypeError", message });
  }
});
