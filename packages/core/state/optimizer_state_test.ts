import assert from "node:assert/strict";
import { conformanceCases, testParameters, type TestStep, testSteps } from "@precond/testing";
import {
  adam,
  type Chain,
  chain,
  clipByGlobalNorm,
  createOptimizer,
  type Definition,
  hutchinson,
  inverseCurvature,
  type InverseCurvatureOptions,
  type InverseRmsOptions,
  learningRate,
  momentum,
  type Optimizer,
  perParameter,
  scaleBy,
  sgd,
  signalFraction,
  type SignalFractionOptions,
  signalNewton,
  unitNorm,
  userCurvature,
} from "../mod.ts";
import { cosine, inverseRms, warmUp } from "../pieces.ts";

type Parameters = ReturnType<typeof testParameters>;

function step(optimizer: Optimizer, parameters: Parameters, { evidence, ...options }: TestStep) {
  const given = Object.entries(evidence).map(([name, e]) => [name, { ...e, ...parameters[name]! }]);
  optimizer.step(Object.fromEntries(given), options);
}
const weightsOf = (parameters: Parameters) =>
  Object.fromEntries(Object.entries(parameters).map(([name, { weights }]) => [name, weights]));

for (const lowering of ["javascript", "wasm"] as const) {
  Deno.test(`k steps, save, load, k steps are 2k steps: ${lowering}`, async (t) => {
    for (const { name, definition, plan } of conformanceCases) {
      await t.step(name, async () => {
        const k = 7, steps = testSteps(2 * k, plan);
        const [whole, parts] = [testParameters(), testParameters()];
        const through = createOptimizer(definition(), { lowering });
        for (const s of steps) step(through, whole, s);

        const first = createOptimizer(definition(), { lowering });
        for (const s of steps.slice(0, k)) step(first, parts, s);
        const bytes = await first.save();
        first.dispose();
        const second = createOptimizer(definition(), { lowering });
        second.load(bytes);
        assert.equal(second.iteration, k);
        for (const s of steps.slice(k)) step(second, parts, s);
        assert.deepEqual(weightsOf(parts), weightsOf(whole)); // every bit
        assert.deepEqual(await second.save(), await through.save());
        second.dispose();
        through.dispose();
      });
    }
  });
}

Deno.test("a state saved by one lowering goes on in another", async () => {
  const parameters = testParameters();
  const [a, b] = testSteps(2, {});
  const before = createOptimizer(adam(), { lowering: "wasm" });
  step(before, parameters, a!);
  const after = createOptimizer(adam(), { lowering: "interpreter" });
  after.load(await before.save());
  assert.deepEqual(
    after.slot("kernel", "inverseRms.to.m"),
    before.slot("kernel", "inverseRms.to.m"),
  );
  step(after, parameters, b!);
  assert.equal(after.iteration, 2);
});

Deno.test("the schedule goes on from where it was", async () => {
  const schedule = warmUp({ steps: 2, then: cosine({ from: 1, steps: 4 }) });
  const rates = (optimizer: Optimizer, count: number) =>
    Array.from({ length: count }, () => {
      const weights = new Float32Array(1);
      optimizer.step({ w: { weights, gradient: Float32Array.of(1) } });
      return -weights[0]!;
    });
  const first = createOptimizer(chain(learningRate(schedule)));
  assert.deepEqual(rates(first, 3), [0.5, 1, 1]);
  const second = createOptimizer(chain(learningRate(schedule)));
  second.load(await first.save());
  // cos at n = 1 … 4 of 4: (1 + √½)/2, ½, (1 − √½)/2, 0
  const expected = [(1 + Math.SQRT1_2) / 2, 0.5, (1 - Math.SQRT1_2) / 2, 0].map(Math.fround);
  assert.deepEqual(rates(second, 4).map((x) => Math.abs(Math.fround(x))), expected);
});

/** An optimizer with a state, and a fresh copy of it. */
async function trained(definition: Definition, shape: readonly number[] = [2, 2]) {
  const size = shape.reduce((a, b) => a * b, 1);
  const gradient = Float32Array.from({ length: size }, (_, i) => i - 1.5);
  const sampled = definition.needs.includes("curvature");
  const evidence = sampled ? { curvature: gradient.map(Math.abs) } : {};
  const one = (optimizer: Optimizer) => {
    const weights = new Float32Array(size).fill(1);
    optimizer.step({ w: { weights, gradient, shape, ...evidence } });
    return weights;
  };
  const optimizer = createOptimizer(definition);
  one(optimizer);
  one(optimizer);
  return { optimizer, bytes: await optimizer.save(), one };
}

/** Asserts that the load fails with this message and that the next step is as if it had not been. */
async function refused(definition: Definition, bytes: Uint8Array, message: RegExp) {
  const { optimizer, one } = await trained(definition);
  const untouched = await trained(definition);
  const before = await optimizer.save();
  assert.throws(() => optimizer.load(bytes), { name: "TypeError", message });
  assert.deepEqual(await optimizer.save(), before);
  assert.deepEqual(one(optimizer), one(untouched.optimizer));
}

Deno.test("load() refuses another chain, shape, format or version and changes nothing", async () => {
  const own = adam();
  const { bytes } = await trained(own);
  const edited = (from: string, to: string) => {
    const text = new TextDecoder("latin1").decode(bytes);
    assert.ok(text.includes(from) && from.length === to.length);
    return Uint8Array.from(text.replace(from, to), (c) => c.charCodeAt(0));
  };
  await refused(
    own,
    (await trained(sgd({ momentum: 0.9 }))).bytes,
    /"w": saved by the chain "momentum/,
  );
  await refused(
    own,
    (await trained(own, [4])).bytes,
    /"w": saved shape is \[4\], current shape is \[2,2\]/,
  );
  await refused(own, edited('"precond"', '"another"'), /format is "another", expected "precond"/);
  await refused(
    own,
    edited('\\"version\\":\\"1\\"', '\\"version\\":\\"2\\"'),
    /version 2.* reads version 1/,
  );
  await refused(
    own,
    edited("w::inverseRms.v", "w::inverseRms.u"),
    /"w::inverseRms.v": it is not in the file/,
  );
  await refused(own, edited('"F32"', '"F16"'), /dtype F16, expected F32/);
  await refused(
    own,
    edited('\\"shape\\":[2,2]', '\\"shape\\":[2,3]'),
    /"w": saved shape is \[2,3\]/,
  );
  for (const key of ["step", "samples", "curvature", "scalars"]) {
    const other = key.replace("s", "z").replace("cu", "co");
    await refused(
      own,
      edited(`\\"${key}\\"`, `\\"${other}\\"`),
      /"w": its entry in the file is damaged/,
    );
  }
});

Deno.test("load() refuses a parameter that no group takes", async () => {
  const only = (match: string) => perParameter([{ match, chain: sgd({ momentum: 0.9 }) }]);
  const { bytes } = await trained(only("w"));
  const other = createOptimizer(only("v"));
  assert.throws(() => other.load(bytes), {
    name: "TypeError",
    message: /"w": it matches none of the 1/,
  });
});

Deno.test("every truncation of a file is refused and changes nothing", async () => {
  const definition = signalNewton({
    curvature: { kind: "empiricalFisher", every: 1, from: "gradient" },
  });
  const { optimizer, bytes, one } = await trained(definition);
  const untouched = await trained(definition);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(
      () => optimizer.load(bytes.subarray(0, length)),
      { name: "TypeError", message: /^Cannot read safetensors: / },
      `${length} of ${bytes.length} bytes`,
    );
  }
  assert.deepEqual(one(optimizer), one(untouched.optimizer));
  optimizer.load(bytes); // the whole file still fits
  assert.equal(optimizer.iteration, 2);
});

Deno.test("load() takes the other state of the same signature: options may differ", async () => {
  const of = (options: SignalFractionOptions) =>
    chain(scaleBy(signalFraction(options)), momentum(), learningRate(0.1));
  const { bytes } = await trained(of({ decay: 0.9 }));
  const other = createOptimizer(of({ decay: 0.99, floor: 0.25 }));
  other.load(bytes);
  assert.equal(other.slot("w", "signalFraction.m")[0], -1.5); // the average of one value
});

Deno.test("load() refuses a state whose slots mean something else", async () => {
  const rate = learningRate(0.1);
  const user = userCurvature();
  const curved = (options: InverseCurvatureOptions, source = user) =>
    chain(scaleBy(inverseCurvature(source, options)), rate);
  const rms = (options: InverseRmsOptions) => chain(scaleBy(inverseRms(options)), rate);
  const T = (options: SignalFractionOptions) => chain(scaleBy(signalFraction(options)), rate);
  const pairs: [saved: Chain, other: Chain][] = [
    [chain(momentum({ form: "sum" }), rate), chain(momentum({ form: "average" }), rate)],
    [chain(momentum(), rate), chain(momentum({ debias: false }), rate)],
    [chain(rate, momentum()), chain(momentum(), rate)], // averages of ηg and of g
    [chain(unitNorm(), momentum()), chain(momentum(), unitNorm())],
    [curved({ moment: "mean" }), curved({ moment: "rms" })],
    [curved({}), curved({ debias: false })],
    [curved({}), curved({}, hutchinson())],
    [rms({}), rms({ debias: false })],
    [T({}), T({ exponent: 0.5 })],
    [
      chain(scaleBy(inverseRms(), { to: momentum({ form: "sum" }) })),
      chain(scaleBy(inverseRms(), { to: momentum() })),
    ],
  ];
  for (const [saved, other] of pairs) {
    for (const [from, to] of [[saved, other], [other, saved]] as const) {
      const { bytes } = await trained(from);
      const optimizer = createOptimizer(to);
      assert.throws(() => optimizer.load(bytes), {
        name: "TypeError",
        message:
          `Cannot restore "w": saved by the chain "${from.signature}", current chain is "${to.signature}"`,
      });
      assert.equal(optimizer.iteration, 0);
      createOptimizer(from).load(bytes); // its own chain takes it
    }
  }
});

Deno.test("a stage without slots may be put in without disturbing the others' scalars", async () => {
  const T = () => scaleBy(signalFraction({ decay: 0.9 }));
  const step = (optimizer: Optimizer, g: number) => {
    const weights = new Float32Array(1);
    optimizer.step({ w: { weights, gradient: Float32Array.of(g) } });
    return weights[0]!;
  };
  const before = createOptimizer(chain(T(), learningRate(1)));
  for (const g of [1, 2, 3]) step(before, g);
  const after = createOptimizer(chain(clipByGlobalNorm(1e9), T(), learningRate(1)));
  after.load(await before.save());
  const fourth = step(after, 4);
  assert.ok(Math.abs(fourth / -4 - 0.7967778796) < 1e-6); // T after 1, 2, 3, 4
});
