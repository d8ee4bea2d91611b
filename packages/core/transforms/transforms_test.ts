import assert from "node:assert/strict";
import { assertAllClose } from "@precond/testing";
import {
  chain,
  clipByGlobalNorm,
  clipByValue,
  createOptimizer,
  decoupledWeightDecay,
  type Definition,
  learningRate,
  type Match,
  momentum,
  type MomentumOptions,
  scaleBy,
  signalFraction,
  skipNonFinite,
  unitNorm,
} from "../mod.ts";

/** Optimizer steps on named gradients; returns what was subtracted from weights of `start`. */
function stepper(definition: Definition, start = 0) {
  const optimizer = createOptimizer(definition);
  const step = (gradients: Record<string, number[]>) => {
    const given = Object.entries(gradients).map(([name, gradient]) =>
      [name, {
        weights: new Float32Array(gradient.length).fill(start),
        gradient: Float32Array.from(gradient),
      }] as const
    );
    optimizer.step(Object.fromEntries(given));
    return Object.fromEntries(
      given.map(([name, { weights }]) => [name, [...weights].map((w) => start - w)]),
    );
  };
  return { optimizer, step };
}

Deno.test("momentum: two steps of each form by hand (gradients 1, 3; β = .5)", () => {
  const cases: [MomentumOptions, [number, number]][] = [
    [{}, [1, (0.5 * 1 + 3) / 1.5]],
    [{ debias: false }, [0.5, 0.5 * 0.5 + 0.5 * 3]],
    [{ form: "sum" }, [1, 0.5 * 1 + 3]],
    [{ form: "sum", nesterov: true }, [1 + 0.5 * 1, 3 + 0.5 * 3.5]],
    // w = 1, then 2/3: (1 − w) m + w x with m = 7/3.
    [{ nesterov: true }, [1, 7 / 9 + 2]],
    [{ nesterov: true, debias: false }, [0.5 * 0.5 + 0.5, 0.5 * 1.75 + 0.5 * 3]],
    [{ decay: 0 }, [1, 3]],
    [{ decay: 0, form: "sum", nesterov: true }, [1, 3]],
  ];
  for (const [options, expected] of cases) {
    const { step } = stepper(chain(momentum({ decay: 0.5, ...options })));
    const found = [step({ w: [1] }).w![0]!, step({ w: [3] }).w![0]!];
    assertAllClose(found, expected, {}, JSON.stringify(options));
  }
});

Deno.test("clipByGlobalNorm() takes the norm over all tensors and leaves short ones alone", () => {
  const { step } = stepper(chain(clipByGlobalNorm(6.5)));
  const clipped = step({ a: [3, 4], b: [12] }); // ‖·‖ = 13
  assertAllClose(clipped.a!, [1.5, 2]);
  assertAllClose(clipped.b!, [6]);
  assert.deepEqual(step({ a: [3, 4], b: [0] }), { a: [3, 4], b: [0] });
  assert.deepEqual(step({ a: [0, 0], b: [0] }), { a: [0, 0], b: [0] });
});

Deno.test("unitNorm() over row, tensor and all by hand, 0 for zero input, ε added to the norm", () => {
  const over = (options: Parameters<typeof unitNorm>[0]) =>
    stepper(chain(unitNorm(options))).step({ a: [3, 4], b: [12, 0], c: [0] });
  const abs = (r: Record<string, number[]>) => [r.a!, r.b!, r.c!].flat().map(Math.abs);
  assertAllClose(abs(over({})), [0.6, 0.8, 1, 0, 0]);
  assertAllClose(abs(over({ scope: "row" })), [0.6, 0.8, 1, 0, 0]);
  assertAllClose(abs(over({ scope: "all" })), [3, 4, 12, 0, 0].map((x) => x / 13));
  assertAllClose(abs(over({ epsilon: 5 })), [0.3, 0.4, 12 / 17, 0, 0]);
});

Deno.test("clipByValue() clamps to ±limit", () => {
  const { step } = stepper(chain(clipByValue(2)));
  assert.deepEqual(step({ w: [-3, -2, -1, 0.5, 2, 1e30] }).w, [-2, -2, -1, 0.5, 2, 2]);
});

Deno.test("clipping after an estimator leaves its statistics as they are without clipping", () => {
  const T = () => scaleBy(signalFraction());
  const [plain, clipped] = [stepper(chain(T())), stepper(chain(T(), clipByGlobalNorm(0.1)))];
  for (const g of [1, 20, -3]) {
    const free = plain.step({ w: [g] }).w![0]!;
    assertAllClose(clipped.step({ w: [g] }).w!, [Math.sign(free) * 0.1]);
  }
  for (const slot of ["signalFraction.m", "signalFraction.d"]) {
    assert.deepEqual(clipped.optimizer.slot("w", slot), plain.optimizer.slot("w", slot));
  }
});

Deno.test("decoupled weight decay hits matching names only, whatever the kind of match", () => {
  const cases: [Match | undefined, string[]][] = [
    [undefined, ["kernel", "bias", "kernel2"]],
    ["kernel", ["kernel"]],
    [/kernel/, ["kernel", "kernel2"]],
    [/kernel/g, ["kernel", "kernel2"]], // a g pattern remembers where it was
    [/kernel$/y, ["kernel"]],
    [({ name, shape }) => name !== "bias" && shape[0] === 2, ["kernel2"]],
  ];
  const gradients = { kernel: [0], bias: [0], kernel2: [0, 0] };
  for (const [match, names] of cases) {
    const decay = decoupledWeightDecay(0.25, match === undefined ? {} : { match });
    const { step } = stepper(chain(decay, learningRate(0.5)), 8);
    for (let t = 0; t < 3; t++) {
      const found = step(gradients);
      for (const [name, updates] of Object.entries(found)) {
        const expected = names.includes(name) ? 0.5 * 0.25 * 8 : 0;
        assert.ok(updates.every((u) => u === expected), `${match}: ${name} moves by ${updates}`);
      }
    }
  }
});

Deno.test("a trajectory with bad steps is the one without them, and they are counted", () => {
  for (
    const [scope, bad] of [["all", { a: [NaN, 1], b: [1] }], ["tensor", {
      a: [Infinity, 1],
      b: [NaN],
    }]] as const
  ) {
    const definition = () =>
      chain(
        skipNonFinite({ scope }),
        scaleBy(signalFraction(), { to: momentum() }),
        learningRate(Object.assign((n: number) => 1 / (n + 1), {})),
      );
    const [clean, dirty] = [stepper(definition()), stepper(definition())];
    for (let t = 0; t < 12; t++) {
      if (t % 5 === 0) {
        const nothing = dirty.step({ a: [...bad.a], b: [...bad.b] });
        assert.deepEqual(nothing, { a: [0, 0], b: [0] });
      }
      const gradients = { a: [1 + t % 3, -1], b: [t - 4] };
      assert.deepEqual(dirty.step(gradients), clean.step(gradients));
    }
    assert.equal(dirty.optimizer.iteration, 12);
    assert.deepEqual(dirty.optimizer.slot("a", "skipNonFinite.skipped"), Float32Array.of(3));
    assert.deepEqual(clean.optimizer.slot("a", "skipNonFinite.skipped"), Float32Array.of(0));
  }
});

Deno.test('skipNonFinite({ scope: "tensor" }) holds only the tensor with the bad gradient', () => {
  const { optimizer, step } = stepper(chain(skipNonFinite({ scope: "tensor" }), momentum()));
  const reference = stepper(chain(momentum()));
  reference.step({ good: [1] });
  step({ good: [1], bad: [-Infinity] });
  assert.deepEqual(optimizer.slot("good", "skipNonFinite.skipped"), Float32Array.of(0));
  assert.deepEqual(optimizer.slot("bad", "skipNonFinite.skipped"), Float32Array.of(1));
  // Its own step count did not advance: the next average is of one sample.
  assert.deepEqual(step({ good: [2], bad: [7] }), { ...reference.step({ good: [2] }), bad: [7] });
});
