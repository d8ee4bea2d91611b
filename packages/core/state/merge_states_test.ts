import { assertAllClose, random } from "@precond/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import {
  adagrad,
  adam,
  adamax,
  averageWeights,
  chain,
  createOptimizer,
  type Definition,
  diagonalNewton,
  learningRate,
  lion,
  mergeStates,
  momentum,
  type Optimizer,
  perParameter,
  type RuleInputs,
  scaleBy,
  sgd,
  signalFraction,
  skipNonFinite,
  snrOnly,
  svag,
  userCurvature,
} from "../mod.ts";
import { createInspector } from "../evidence/inspector.ts";
import { arrayBackend } from "../driver/array_backend.ts";
import { createDriver } from "../driver/driver.ts";
import { normalizedSignal } from "../pieces.ts";
import { loadState } from "./optimizer_state.ts";
import { readSafetensors } from "./safetensors.ts";

const { normal } = random(11);
const samples = (steps: number, n = 3) =>
  Array.from({ length: steps }, () => Float32Array.from({ length: n }, () => 1 + normal()));

interface Evidence {
  readonly batchSize?: number;
  readonly curvature?: boolean;
}

/** Steps that leave the weights alone, on these gradients. */
function take(
  optimizer: Optimizer,
  gradients: readonly Float32Array[],
  { batchSize, curvature }: Evidence = {},
) {
  for (const gradient of gradients) {
    const w = { weights: new Float32Array(gradient.length), gradient };
    const sample = curvature ? { curvature: gradient.map((x) => x * x + 1) } : {};
    optimizer.step({ w: { ...w, ...sample } }, batchSize === undefined ? {} : { batchSize });
  }
  return optimizer;
}

async function trained(
  definition: Definition,
  gradients: readonly Float32Array[],
  from?: Uint8Array,
  evidence?: Evidence,
) {
  const optimizer = createOptimizer(definition);
  if (from) optimizer.load(from);
  return await take(optimizer, gradients, evidence).save();
}

function restored(definition: Definition, bytes: Uint8Array) {
  const optimizer = createOptimizer(definition);
  optimizer.load(bytes);
  return optimizer;
}

/** What the state knows of signal and noise. */
function inspected(definition: Definition, bytes: Uint8Array) {
  const backend = arrayBackend();
  const driver = createDriver(definition, backend);
  loadState(bytes, driver, backend);
  return createInspector(driver, backend).inspect("w")!;
}

/** Mean, variance and T of weighted samples, by their definitions. */
function statistics(all: readonly { readonly x: Float32Array; readonly weight: number }[]) {
  const total = all.reduce((sum, { weight }) => sum + weight, 0);
  const rho = all.reduce((sum, { weight }) => sum + (weight / total) ** 2, 0);
  return Array.from(all[0]!.x, (_, i) => {
    const mean = all.reduce((sum, { x, weight }) => sum + weight / total * x[i]!, 0);
    const d = all.reduce((sum, { x, weight }) => sum + weight / total * (x[i]! - mean) ** 2, 0);
    const noise = d / (1 - rho);
    return { mean, d, noise, signal: mean * mean - rho * noise };
  });
}

/** n samples of an average with decay β, the newest last, with the weights that they have. */
const decayed = (decay: number, list: readonly Float32Array[], factor = 1) =>
  list.map((x, i) => ({ x, weight: factor * decay ** (list.length - 1 - i) }));

Deno.test("merged states know of all data what one optimizer that saw all of it does", async () => {
  // A memory so long that all samples weigh alike.
  const definition = chain(scaleBy(signalFraction({ decay: 1 - 1e-10 })));
  const shards = [samples(7), samples(2), samples(15)];
  const all = shards.flat();
  const states = await Promise.all(shards.map((shard) => trained(definition, shard)));
  const weights = shards.map(({ length }) => length / all.length);
  const merged = mergeStates(states, weights, { definition, iteration: 24 });
  const whole = inspected(definition, await trained(definition, all));
  const found = inspected(definition, merged);
  for (const key of ["fraction", "signal", "noise"] as const) {
    assertAllClose(found[key], whole[key], { relative: 2e-6, absolute: 1e-6 });
  }
});

Deno.test("with a short memory they are the statistics of all samples, each round anew", async () => {
  const decay = 0.8, weights = [0.5, 0.3, 0.2];
  const definition = chain(scaleBy(signalFraction({ decay })));
  let base: Uint8Array | undefined;
  let history: { x: Float32Array; weight: number }[] = [];
  for (let round = 0; round < 3; round++) {
    const shards = weights.map(() => samples(3));
    const states = await Promise.all(shards.map((s) => trained(definition, s, base)));
    base = mergeStates(states, weights, { definition, ...(base ? { base } : {}) });
    history = [
      ...history.map(({ x, weight }) => ({ x, weight: weight * decay ** 3 })),
      ...shards.flatMap((shard, k) => decayed(decay, shard, weights[k])),
    ];
    const expected = statistics(history);
    const found = inspected(definition, base);
    const options = { relative: 1e-5, absolute: 1e-6 };
    assertAllClose(found.signal, expected.map(({ signal }) => signal), options);
    assertAllClose(found.noise, expected.map(({ noise }) => noise), options);
  }
  // And goes on like that.
  const [next] = samples(1);
  const optimizer = take(restored(definition, base!), [next!]);
  const expected = statistics([
    ...history.map(({ x, weight }) => ({ x, weight: weight * decay })),
    { x: next!, weight: 1 },
  ]);
  assertAllClose(
    optimizer.slot("w", "signalFraction.m"),
    expected.map(({ mean }) => mean),
    { relative: 1e-5, absolute: 1e-6 },
  );
  assertAllClose(
    optimizer.slot("w", "signalFraction.d"),
    expected.map(({ d }) => d),
    { relative: 1e-5 },
  );
});

Deno.test("first and second moments are those of one optimizer that steps on all examples", async () => {
  const definition = chain(momentum({ decay: 0.7 }), momentum({ decay: 0.5, form: "sum" }));
  const weights = [0.25, 0.75];
  const shards = [samples(5), samples(5)];
  const mean = shards[0]!.map((x, i) => x.map((v, k) => v / 4 + shards[1]![i]![k]! * 0.75));
  let base: Uint8Array | undefined, whole: Uint8Array | undefined;
  for (const part of [[0, 2], [2, 5]] as const) {
    const states = await Promise.all(
      shards.map((shard) => trained(definition, shard.slice(...part), base)),
    );
    base = mergeStates(states, weights, { definition });
    whole = await trained(definition, mean.slice(...part), whole);
  }
  for (const slot of ["momentum.m", "momentum_2.m"]) {
    assertAllClose(
      restored(definition, base!).slot("w", slot),
      restored(definition, whole!).slot("w", slot),
      { relative: 1e-6, absolute: 1e-6 },
    );
  }
  const second = await Promise.all(shards.map((shard) => trained(adam(), shard)));
  const v = restored(adam(), mergeStates(second, weights, { definition: adam() }));
  const sum = 1 - 0.999 ** 5;
  const expected = [0, 1, 2].map((k) =>
    shards.reduce(
      (total, shard, c) =>
        total +
        shard.reduce((t, x, i) => t + weights[c]! * 0.001 * 0.999 ** (4 - i) / sum * x[k]! ** 2, 0),
      0,
    )
  );
  assertAllClose(v.slot("w", "inverseRms.v"), expected, { relative: 1e-5 });
});

const definitions: Readonly<Record<string, { definition: Definition } & Evidence>> = {
  adam: { definition: adam() },
  adamax: { definition: adamax() },
  adagrad: { definition: adagrad() },
  lion: { definition: lion() },
  snrOnly: { definition: snrOnly() },
  svag: { definition: svag() },
  adaptive: { definition: chain(scaleBy(signalFraction({ memory: "adaptive" }))) },
  newton: {
    definition: diagonalNewton({ curvature: userCurvature({ every: 1 }) }),
    curvature: true,
  },
  averages: { definition: chain(skipNonFinite(), learningRate(0.1), averageWeights()) },
  groups: {
    definition: perParameter([{ match: "w", chain: adam() }, { match: /./, chain: sgd() }]),
  },
};

/** Values of all slots. */
async function slotsOf(definition: Definition, bytes: Uint8Array): Promise<number[]> {
  const text = await restored(definition, bytes).save();
  const length = Number(new DataView(text.buffer).getBigUint64(0, true));
  return [...new Float32Array(text.slice(8 + length).buffer)];
}

const shares = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 3, maxLength: 3 })
  .map((n) => n.map((x) => x / (n[0]! + n[1]! + n[2]!)));

for (const [name, { definition, ...evidence }] of Object.entries(definitions)) {
  Deno.test(`merging obeys its laws: ${name}`, async () => {
    const [a, b, c] = await Promise.all(
      [4, 4, 4].map((n) => trained(definition, samples(n), undefined, { ...evidence })),
    ) as [Uint8Array, Uint8Array, Uint8Array];
    assert.deepEqual(mergeStates([a], [1], { definition }), a);
    assert.deepEqual(mergeStates([a, b], [1, 0], { definition }), a);
    const merge = (states: Uint8Array[], weights: number[]) =>
      mergeStates(states, weights, { definition });
    await fc.assert(
      fc.asyncProperty(shares, async ([p, q, r]) => {
        const all = merge([a, b, c], [p!, q!, r!]);
        const turned = merge([c, a, b], [r!, p!, q!]);
        const nested = merge([merge([a, b], [p! / (p! + q!), q! / (p! + q!)]), c], [p! + q!, r!]);
        const expected = await slotsOf(definition, all);
        const after = await slotsOf(
          definition,
          await trained(definition, [samples(1)[0]!.fill(1)], all, evidence),
        );
        const close = { relative: 1e-5, absolute: 1e-6 };
        for (const other of [turned, nested]) {
          assertAllClose(await slotsOf(definition, other), expected, close);
          const next = await trained(definition, [samples(1)[0]!.fill(1)], other, evidence);
          assertAllClose(await slotsOf(definition, next), after, close);
        }
      }),
      { numRuns: 8, seed: 4 },
    );
  });
}

/** ρ of a stage. */
function rhoOf(bytes: Uint8Array, stage: string): number {
  const state = JSON.parse(readSafetensors(bytes).metadata.state!);
  return state.parameters.w.scalars[stage].rho;
}

const normalized = chain(scaleBy(normalizedSignal({ warmup: 2, growth: 0.5 })));
const steps = chain(scaleBy(signalFraction({ decay: 0.7 })));
for (
  const [stage, definition] of Object.entries({
    normalizedSignal: normalized,
    signalFraction: steps,
  })
) {
  Deno.test(`ρ is the sum of the squared weights of all samples: ${stage}`, async () => {
    // Each sample has an element of its own, so that the average shows what it weighs.
    let taken = 0;
    const unit = (n: number) =>
      Array.from({ length: n }, () => new Float32Array(24).fill(1, taken, ++taken));
    let base: Uint8Array | undefined;
    for (const lengths of [[1, 3, 2], [2, 2, 2], [4, 1, 3]]) {
      const states = await Promise.all(
        lengths.map((n) => trained(definition, unit(n), base)),
      );
      base = mergeStates(states, [0.2, 0.5, 0.3], {
        definition,
        iteration: taken,
        ...(base ? { base } : {}),
      });
      const m = restored(definition, base).slot("w", `${stage}.m`);
      assertAllClose([m.reduce((sum, x) => sum + x, 0)], [1], { relative: 1e-6 });
      const squares = m.reduce((sum, x) => sum + x * x, 0);
      assertAllClose([rhoOf(base, stage)], [squares], { relative: 1e-6 });
    }
  });
}

Deno.test("first batches of different size are put into one unit", async () => {
  const definition = steps;
  const [small, large] = [samples(4), samples(4)];
  const states = [
    await trained(definition, small, undefined, { batchSize: 8 }),
    await trained(definition, large, undefined, { batchSize: 32 }),
  ];
  const merged = mergeStates(states, [0.2, 0.8], { definition });
  // σ² of a batch of 32: a sample's D is (Σ ŵ/b − Σ ŵ²/b)σ², b = ¼ and 1.
  const all = [...decayed(0.7, small), ...decayed(0.7, large, 4)];
  const total = all.reduce((sum, { weight }) => sum + weight, 0);
  const scale = all.reduce((sum, { weight }, i) => {
    const w = weight / total, b = i < 4 ? 0.25 : 1;
    return { mix: sum.mix + w / b, rho: sum.rho + w * w / b };
  }, { mix: 0, rho: 0 });
  const expected = statistics(all).map(({ mean, d }) =>
    mean ** 2 - scale.rho * d / (scale.mix - scale.rho)
  );
  assertAllClose(inspected(definition, merged).signal, expected, {
    relative: 1e-5,
    absolute: 1e-6,
  });
});

Deno.test("states that have seen no evidence within batches have no part in its averages", async () => {
  const definition = chain(scaleBy(signalFraction({ from: "gradientSquares" })));
  const client = async (k: number) => {
    const optimizer = createOptimizer(definition);
    const [weights, gradient] = [new Float32Array(1), Float32Array.of(2)];
    const gradientSquares = Float32Array.of(5);
    optimizer.step({ w: { weights, gradient, gradientSquares } }, { microBatches: k });
    return await optimizer.save();
  };
  const [with_, without] = [await client(4), await client(1)];
  const merged = mergeStates([with_, without], [0.1, 0.9], { definition });
  const optimizer = restored(definition, merged);
  // g² = (4·2² − 5)/3 over x² = 4
  assertAllClose(optimizer.slot("w", "signalFraction.a"), [11 / 3], { relative: 1e-6 });
  assertAllClose(optimizer.slot("w", "signalFraction.b"), [4], { relative: 1e-6 });
});

const signal = chain(scaleBy(signalFraction({ decay: 0.8 })));
const rounds = async (definition: Definition) => {
  const shares = [0.5, 0.5];
  const clients = (base?: Uint8Array) =>
    Promise.all([1, 2].map(() => trained(definition, samples(2), base)));
  const merge = (states: Uint8Array[], more: object = {}) =>
    mergeStates(states, states.length === 2 ? shares : [1], { definition, ...more });
  const first = merge(await clients());
  return { clients, merge, first, second: await clients(first) };
};

Deno.test("a base that was forgotten, or is another one, is asked for", async () => {
  const { clients, merge, first, second } = await rounds(signal);
  const forgotten =
    /^Cannot merge "w": state 1 and state 2 come from one merged state, .* give it as base, or independent: true$/;
  assert.throws(() => merge(second), { name: "TypeError", message: forgotten });
  // Also through a load and save of their own, and in a state merged of one of them.
  const resumed = await trained(signal, samples(1), second[0]);
  assert.throws(() => merge([resumed, second[1]!], { iteration: 4 }), { message: forgotten });
  const next = merge(second, { base: first });
  const third = await clients(next);
  assert.throws(() => merge([third[0]!, second[1]!], { iteration: 4 }), { message: forgotten });
  const other = /come from another merged state than base; give as base the state that all/;
  assert.throws(() => merge(third, { base: first }), { name: "TypeError", message: other });
  const strangers = merge(await clients());
  assert.throws(() => merge(second, { base: strangers }), { message: other });
  const fresh = await clients();
  const none = /state 1 and state 2 come from no merged state that is the same; give as base/;
  assert.throws(() => merge([third[0]!, fresh[1]!], { base: next, iteration: 6 }), none);
  const plain = /state 1 and state 2 come from a merged state, base does not/;
  assert.throws(() => merge(second, { base: fresh[0]! }), plain);
  // Groups that met before: the last state of all.
  const groups = [merge(await clients(first), { base: first }), merge(second, { base: first })];
  assert.throws(() => merge(groups), { message: forgotten });
  merge(groups, { base: first });
});

Deno.test("independent: true merges states that went on from one as if they did not", async () => {
  const { clients, merge, second } = await rounds(signal);
  const ρ = (bytes: Uint8Array) => rhoOf(bytes, "signalFraction");
  const [a, b] = second.map(ρ);
  assertAllClose([ρ(merge(second, { independent: true }))], [a! / 4 + b! / 4], { relative: 1e-12 });
  // A state of weight 0 has no part, nor has what it comes from.
  mergeStates([second[0]!, second[1]!], [1, 0], { definition: signal });
  merge(await clients());
});

Deno.test("what does not depend on a base is merged without one", async () => {
  const { merge, first, second } = await rounds(adam());
  assert.deepEqual(merge(second), merge(second, { base: first }));
});

Deno.test("held steps add up, those of the base once", async () => {
  const definition = chain(skipNonFinite(), momentum());
  const bad = (n: number) => Array.from({ length: n }, () => Float32Array.of(NaN));
  const base = await trained(definition, [...bad(2), Float32Array.of(1)]);
  const states = await Promise.all(
    [1, 3].map((n) => trained(definition, [...bad(n), Float32Array.of(1)], base)),
  );
  const merged = mergeStates(states, [0.5, 0.5], { definition, base });
  const next = await Promise.all([bad(1), bad(1)].map((list) => trained(definition, list, merged)));
  assert.throws(() => mergeStates(next, [0.5, 0.5], { definition }), /give it as base/);
  assert.equal(restored(definition, merged).slot("w", "skipNonFinite.skipped")[0], 6);
});

Deno.test("what is not one optimizer's on one model is refused by name", async () => {
  const definition = adam();
  const a = await trained(definition, samples(2));
  const step = async (name: string, n: number, change = (_: Optimizer) => {}) => {
    const optimizer = createOptimizer(definition);
    const weights = new Float32Array(n);
    for (let i = 0; i < 2; i++) optimizer.step({ [name]: { weights, gradient: weights } });
    change(optimizer);
    return await optimizer.save();
  };
  const half = [0.5, 0.5];
  const cases: [Uint8Array[], readonly number[], object, RegExp][] = [
    [[], [], {}, /states must be an array of at least 1/],
    [[a, a], [1], {}, /there are 2 states and 1 weights$/],
    [[a, a], [1, 1], {}, /weights must add up to 1, current sum is 2; divide numbers of examples/],
    [
      [a, a],
      [1.5, -0.5],
      {},
      /weights must be an array whose items each be finite and not negative/,
    ],
    [[a, a], [NaN, 1], {}, /weights must be an array/],
    [
      [a, a],
      half,
      { definition: undefined },
      /definition must be an optimizer .* it is not given$/,
    ],
    [[a, a], half, { bases: a }, /"bases" is no option, did you mean base\?/],
    [
      [a, await trained(sgd(), samples(2))],
      half,
      {},
      /^Cannot merge "w" of state 2: saved by the chain "learningRate/,
    ],
    [
      [a, await step("v", 3)],
      half,
      {},
      /^Cannot merge states: state 2 has "v", which state 1 has not; all must train/,
    ],
    [
      [a, await step("w", 4)],
      half,
      {},
      /^Cannot merge "w": state 1 has shape \[3\], state 2 \[4\]$/,
    ],
    [
      [a, await trained(definition, samples(3))],
      half,
      {},
      /state 1 has done 2 updates, state 2 3, .*; give iteration$/,
    ],
    [
      [a, await step("w", 3, (o) => o.learningRate = 0.5)],
      half,
      {},
      /rate of state 1 is not set by hand, that of state 2 0\.5; set the same/,
    ],
    [
      [a, a],
      half,
      { base: await trained(definition, samples(3)) },
      /state 1 has taken 2 steps, base 3; base must be/,
    ],
    [[a, a.slice(0, 40)], half, {}, /^Cannot merge state 2: Cannot read safetensors/],
    [[a, a], half, { base: a.slice(0, 40) }, /^Cannot merge base: Cannot read safetensors/],
  ];
  for (const [states, weights, more, message] of cases) {
    assert.throws(() => mergeStates(states, weights, { definition, ...more }), (error: Error) => {
      assert.match(error.message, message);
      return error instanceof TypeError || error instanceof RangeError;
    });
  }
});

Deno.test("slots that do not say how they are merged are refused by name", async () => {
  const own = {
    name: "own",
    needs: ["gradient"],
    slots: { seen: {} },
    scalars: () => ({}),
    apply: ({ x }: RuleInputs) => ({ update: x, slots: { seen: x } }),
  } as const;
  const definition = chain(own);
  const states = [await trained(definition, samples(1)), await trained(definition, samples(1))];
  assert.throws(() => mergeStates(states, [0.5, 0.5], { definition }), {
    name: "TypeError",
    message: 'Cannot merge "w": own.seen does not say how; give the slot merge',
  });
});

Deno.test("memories of each element are merged once, and refused from a base", async () => {
  const definition = chain(scaleBy(signalFraction({ memory: "adaptive" })));
  const base = await trained(definition, samples(3));
  const states = await Promise.all([1, 1].map((n) => trained(definition, samples(n), base)));
  assert.throws(() => mergeStates(states, [0.5, 0.5], { definition, base }), {
    name: "TypeError",
    message: /^Cannot merge "w": signalFraction\.spread has a memory of each element's own/,
  });
});
