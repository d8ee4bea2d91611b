import assert from "node:assert/strict";
import { runInNewContext } from "node:vm";
import { checkOptions, checkValue, type Kind } from "./checks.ts";
import * as kinds from "./kinds.ts";

const known = {
  learningRate: kinds.rate,
  beta1: kinds.decay,
  epsilon: kinds.normal,
  weightDecay: kinds.nonNegative,
  nesterov: kinds.flag,
  curvature: kinds.curvature,
};
const check = (options: unknown) => checkOptions("make adam", options as object, known);

Deno.test("what is no plain object is refused with the way to write it", () => {
  for (
    const [value, hint, shown] of [
      [0.05, "{ learningRate: 0.05 }", "0.05"],
      ["0.5", "{ learningRate: … }", '"0.5"'],
      [true, "{ nesterov: true }", "true"],
      [null, "{ learningRate: … }", "null"],
      [[1], "{ learningRate: … }", "the array [1]"],
      [new Map(), "{ learningRate: … }", "an object (Map)"],
    ] as const
  ) {
    assert.throws(() => check(value), {
      name: "TypeError",
      message: `Cannot make adam: options must be an object such as ${hint}, ` +
        `current value is ${shown}`,
    });
  }
});

Deno.test("an unknown name is refused with the nearest known one", () => {
  for (
    const [name, meant] of [
      ["lr", "learningRate"],
      ["learning_rate", "learningRate"],
      ["learningrate", "learningRate"],
      ["rate", "learningRate"],
      ["nestrov", "nesterov"],
      ["nestervo", "nesterov"],
      ["betas", "beta1"],
      ["b1", "beta1"],
      ["eps", "epsilon"],
      ["weight_decay", "weightDecay"],
      ["decay", "weightDecay"],
      ["curv", "curvature"],
    ]
  ) {
    assert.throws(() => check({ [name!]: 1 }), {
      name: "TypeError",
      message: `Cannot make adam: "${name}" is no option, did you mean ${meant}? Options are ` +
        "learningRate, beta1, epsilon, weightDecay, nesterov, curvature",
    });
  }
  for (const name of ["foo", "x", "__proto__", "constructor"]) {
    const options = Object.defineProperty({}, name, { value: 1, enumerable: true });
    assert.throws(() => check(options), {
      name: "TypeError",
      message: new RegExp(`"${name}" is no option; options are learningRate, beta1`),
    });
  }
});

Deno.test("undefined is as left out, options of another realm are options", () => {
  assert.deepEqual(check(undefined), {});
  assert.deepEqual(check({ beta1: undefined, epsilon: 0 }), { epsilon: 0 });
  assert.deepEqual(check(runInNewContext("({ beta1: 0.5 })")), { beta1: 0.5 });
  assert.deepEqual(check(Object.assign(Object.create(null), { beta1: 0.5 })), { beta1: 0.5 });
  class Settings {
    get beta1() {
      return 0.5;
    }
  }
  assert.throws(() => check(new Settings()), { message: /options must be an object such as/ });
});

Deno.test("a required option that is missing is refused by name", () => {
  const steps = (options: object) =>
    checkOptions("schedule", options, { steps: kinds.positive }, ["steps"] as never[]);
  assert.deepEqual(steps({ steps: 1 }), { steps: 1 });
  for (const options of [{}, { steps: undefined }]) {
    assert.throws(() => steps(options), {
      name: "TypeError",
      message: "Cannot schedule: steps must be positive, but it is not given",
    });
  }
});

Deno.test("each kind takes what it names and refuses the rest", () => {
  const n = Number.NaN;
  const table: [string, Kind, good: unknown[], type: unknown[], range: unknown[]][] = [
    ["decay", kinds.decay, [0, 0.999], ["0.5", null, 1n], [-0.1, 1, n]],
    ["fraction", kinds.fraction, [0, 1], [true], [-0.1, 1.1, n]],
    ["positive", kinds.positive, [1e-9, 3], ["1", undefined], [0, -1, Infinity, n]],
    ["nonNegative", kinds.nonNegative, [0, 3], ["1"], [-1, Infinity, n]],
    ["finite", kinds.finite, [-3, 0], ["1"], [Infinity, n]],
    ["bound", kinds.bound, [1, Infinity], ["1"], [0, -1, n]],
    ["normal", kinds.normal, [0, 2 ** -126, 1], ["0"], [1e-46, -1, Infinity, n]],
    ["count", kinds.count, [1, 7], ["1"], [0, -1, 1.5, n, 2 ** 60]],
    ["integer", kinds.integer(2, 5), [2, 5], ["2"], [1, 6, 2.5]],
    ["seed", kinds.seed, [0, 2 ** 32 - 1], ["0"], [-1, 1.7, 2 ** 32, n]],
    ["flag", kinds.flag, [true, false], [0, 1, "true", null], []],
    ["text", kinds.text, ["a"], [1], [""]],
    ["callable", kinds.callable, [() => 1], [1], []],
    ["oneOf", kinds.oneOf("a", "b"), ["a"], [1, null], ["c", ""]],
    ["either", kinds.either(kinds.decay, kinds.flag), [0.5, true], ["a"], [2]],
    ["listOf", kinds.listOf(kinds.count, 1), [[1]], [1, "1"], [[], [0], ["a"]]],
    ["rate", kinds.rate, [0, 1, () => 1], ["0.1", null], [-1, n, Infinity]],
    ["match", kinds.match, ["a", /a/, () => true, runInNewContext("/a/")], [1, null, {}], []],
    ["curvature", kinds.curvature, [{ kind: "user", every: 1 }], ["user", null, 3], [
      { kind: "hessian", every: 1 },
      { kind: "user" },
    ]],
    [
      "float32Array",
      kinds.float32Array,
      [new Float32Array(1), runInNewContext("new Float32Array(1)")],
      [[1], new Float64Array(1), null],
      [],
    ],
  ];
  for (const [name, kind, good, type, range] of table) {
    const given = (value: unknown) => () => checkValue("try", value, kind, name);
    for (const value of good) assert.doesNotThrow(given(value), name);
    for (const [error, values] of [["TypeError", type], ["RangeError", range]] as const) {
      for (const value of values) {
        assert.throws(given(value), {
          name: error,
          message: new RegExp(`^Cannot try: ${name} must be .*, current value is .*[^.]$`),
        }, `${name} of ${String(value)}`);
      }
    }
  }
});

Deno.test("a factory that was not called is told to be", () => {
  function gaussNewton() {}
  assert.throws(() => check({ curvature: gaussNewton }), {
    name: "TypeError",
    message: "Cannot make adam: curvature must be a curvature source such as gaussNewton(), " +
      "current value is the function gaussNewton; call it: gaussNewton()",
  });
});
