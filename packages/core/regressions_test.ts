/**
 * Defects that were found once and must not come back.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  adam,
  type Chain,
  chain,
  clipByGlobalNorm,
  createOptimizer,
  hutchinson,
  inverseCurvature,
  learningRate,
  momentum,
  perParameter,
  scaleBy,
  sgd,
  signalFraction,
  skipNonFinite,
  userCurvature,
} from "./mod.ts";
import { inverseRms } from "./pieces.ts";
import {
  createDriver,
  readSafetensors,
  wasmBackend,
  wasmHeap,
  writeSafetensors,
} from "./backend.ts";

const of = (...values: number[]) => Float32Array.from(values);

Deno.test("a step that runs out of memory in one group leaves every group as it was", () => {
  const heap = wasmHeap(new WebAssembly.Memory({ initial: 1, maximum: 4 }));
  const backend = wasmBackend(heap);
  const driver = createDriver(
    perParameter([
      { match: "a", chain: sgd({ learningRate: 1 }) },
      { match: "b", chain: adam() },
    ]),
    backend,
  );
  const make = (name: string, size: number) => ({
    name,
    shape: [size],
    weights: backend.write(new Float32Array(size).fill(5), [size]),
    gradient: backend.write(new Float32Array(size).fill(1), [size]),
  });
  const [a, b] = [make("a", 1), make("b", 15_000)];
  const { used } = heap;
  assert.throws(() => driver.step([a, b]), { message: /^Cannot allocate/ });
  assert.deepEqual([...backend.read(a.weights) as Float32Array], [5]);
  assert.equal(heap.used, used);
  assert.equal(driver.iteration, 0);
});

Deno.test("the curvature source of a scaled transform is the chain's", () => {
  const inner = scaleBy(inverseCurvature(hutchinson({ every: 7 })));
  const definition = chain(scaleBy(inverseRms(), { to: inner }));
  assert.deepEqual(definition.curvature, hutchinson({ every: 7 }));
  const outer = inverseCurvature(userCurvature());
  assert.throws(() => scaleBy(outer, { to: inner }), { message: /wants user curvature every 1/ });
});

Deno.test("a norm that is not finite clips everything to nothing, one of held tensors does not", () => {
  const clip = [clipByGlobalNorm(1), learningRate(1)];
  const step = (definition: Chain, bad: number) => {
    const [a, b] = [of(1, 5), of(1)];
    createOptimizer(definition).step({
      a: { weights: a, gradient: of(bad, 1) },
      b: { weights: b, gradient: of(1000) },
    });
    return [...a, ...b];
  };
  for (const bad of [NaN, Infinity, -Infinity, 1e20]) {
    assert.deepEqual(step(chain(...clip), bad), [1, 5, 1]);
    const held = chain(skipNonFinite({ scope: "tensor" }), ...clip);
    assert.deepEqual(step(held, bad), [1, 5, 0]); // 1000 clipped to 1
  }
});

Deno.test("an average that overflows stops its element, as in tf.train.adam", () => {
  for (const lowering of ["javascript", "interpreter", "wasm"] as const) {
    const optimizer = createOptimizer(adam(), { lowering });
    const weights = of(0, 0);
    for (const g of [1e30, 1, 1, 1]) {
      optimizer.step({ w: { weights, gradient: of(g, 1) } });
    }
    assert.equal(weights[0], 0, lowering);
    assert.ok(Math.abs(weights[1]! + 4e-3) < 1e-8);
  }
});

Deno.test("a gradient whose square overflows is skipped like an infinite one", () => {
  for (const lowering of ["javascript", "wasm"] as const) {
    const definition = chain(skipNonFinite(), scaleBy(inverseRms()), learningRate(0.1));
    const optimizer = createOptimizer(definition, { lowering });
    const weights = of(1);
    for (const g of [1, 1e22, 1, 1]) optimizer.step({ w: { weights, gradient: of(g) } });
    // Each of the three steps that count is 0.1·1/√1.
    assert.ok(Math.abs(weights[0]! - 0.7) < 1e-5, `${lowering}: ${weights[0]}`);
  }
});

Deno.test("a curvature sample that is not finite is skipped", () => {
  const inverse = inverseCurvature(userCurvature(), { damping: 1, decay: 0 });
  const optimizer = createOptimizer(chain(skipNonFinite(), scaleBy(inverse), learningRate(1)));
  const weights = of(1);
  optimizer.step({ w: { weights, gradient: of(1), curvature: of(NaN) } });
  assert.equal(weights[0], 1);
  optimizer.step({ w: { weights, gradient: of(1), curvature: of(1) } });
  assert.equal(weights[0], 0.5);
});

Deno.test("numbers that would poison the state are refused by name", () => {
  const optimizer = createOptimizer(chain(scaleBy(signalFraction())));
  const step = (batchSize: number) => () =>
    optimizer.step({ w: { weights: of(1), gradient: of(1) } }, { batchSize });
  for (const size of [0, -1, NaN]) {
    assert.throws(step(size), { message: /batchSize must be positive, current value is/ });
  }
  const rate = createOptimizer(chain(learningRate(1, { multiplier: () => NaN })));
  assert.throws(() => rate.step({ w: { weights: of(1), gradient: of(1) } }), {
    message: /^Cannot step "w": the multiplier of its learning rate must be finite/,
  });
  assert.throws(() => inverseRms({ epsilon: 1e-46 }), { message: /smallest normal float32/ });
});

Deno.test("a stage with a name that cannot be told apart, or without its scalar, is an error", () => {
  assert.throws(() => chain({ ...momentum(), name: "my.rms" }), { message: /no name for a stage/ });
  assert.throws(
    () => chain(momentum(), momentum(), { ...momentum(), name: "momentum_2" }),
    { message: /the name of two stages/ },
  );
  const broken = createOptimizer(chain({ ...momentum(), scalars: () => ({}) }));
  assert.throws(() => broken.step({ w: { weights: of(1), gradient: of(1) } }), {
    message: 'Cannot step "w": stage "momentum" computes no scalar "keep"',
  });
});

Deno.test("tensors of any name survive a round trip, whatever order JSON gives them", () => {
  const tensors = new Map(
    ["w", "0", "__proto__", "constructor"].map((name, i) => [
      name,
      { shape: [1], values: of(i) },
    ]),
  );
  const read = readSafetensors(writeSafetensors({ tensors, metadata: {} })).tensors;
  for (const [name, { values }] of tensors) assert.deepEqual(read.get(name)!.values, values);
  const reserved = new Map([["__metadata__", { shape: [1], values: of(1) }]]);
  assert.throws(() => writeSafetensors({ tensors: reserved, metadata: {} }), {
    message: /no name for a tensor/,
  });
});
