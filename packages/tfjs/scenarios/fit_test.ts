import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import "../_testing.ts";
import { adam, hutchinson, precond, PrecondOptimizer, signalNewton, signalSgd } from "../mod.ts";

function makeModel(seed: number): layers.Sequential {
  const dense = (units: number, activation: "tanh" | "softmax", inputShape?: number[]) =>
    layers.layers.dense({
      units,
      activation,
      kernelInitializer: layers.initializers.glorotUniform({ seed: seed + units }),
      ...(inputShape ? { inputShape } : {}),
    });
  return layers.sequential({ layers: [dense(6, "tanh", [4]), dense(3, "softmax")] });
}

function data(): { x: tf.Tensor; y: tf.Tensor } {
  const x = tf.randomNormal([48, 4], 0, 1, "float32", 1);
  const y = tf.tidy(() => tf.oneHot(tf.argMax(tf.slice(x, [0, 0], [48, 3]), 1) as tf.Tensor1D, 3));
  return { x, y };
}

const fitOptions = { epochs: 2, batchSize: 16, shuffle: false, verbose: 0 } as const;
const everything = () =>
  signalNewton({
    curvatureWarmup: 1,
    stepClip: Infinity,
    learningRate: 0.05,
    curvature: hutchinson({ every: 4 }),
    scale: "unit-norm",
  });

async function losses(model: layers.LayersModel, { x, y }: ReturnType<typeof data>) {
  return (await model.fit(x, y, fitOptions)).history.loss as number[];
}

const compile = (model: layers.LayersModel, optimizer: PrecondOptimizer) =>
  model.compile({ optimizer, loss: "categoricalCrossentropy", metrics: ["accuracy"] });

for (const backend of ["cpu", "wasm"]) {
  Deno.test(`model.fit() trains, and leaves no tensor with metrics on, on ${backend}`, async () => {
    await tf.setBackend(backend);
    const set = data();
    const model = makeModel(1);
    compile(model, precond(everything(), { seed: 5 }));
    const first = await losses(model, set);
    const before = tf.memory().numTensors;
    const rest = await model.fit(set.x, set.y, { ...fitOptions, epochs: 20 });
    assert.equal(tf.memory().numTensors, before);
    const last = rest.history.loss!.at(-1) as number;
    // ln 3 = 1.0986 is the loss of a model that knows nothing.
    assert.ok(first[0]! > 0.5 && last < 0.2, `loss went from ${first[0]} to ${last}`);
  });

  Deno.test(`model.save() with the optimizer, load and k steps are k steps on ${backend}`, async () => {
    await tf.setBackend(backend);
    const set = data();
    const model = makeModel(2);
    compile(model, precond(everything(), { seed: 5 }));
    await losses(model, set);
    let artifacts: tf.io.ModelArtifacts | undefined;
    await model.save(
      tf.io.withSaveHandler((a) => {
        artifacts = a;
        return Promise.resolve({
          modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" },
        });
      }),
      { includeOptimizer: true },
    );
    const loaded = await layers.loadLayersModel(tf.io.fromMemory(artifacts!));
    assert.ok(loaded.optimizer instanceof PrecondOptimizer);
    assert.equal((loaded.optimizer as PrecondOptimizer).iterations, 6);
    assert.deepEqual(await losses(loaded, set), await losses(model, set));
    const [a, b] = [model, loaded].map((m) => m.getWeights().map((w) => [...w.dataSync()]));
    assert.deepEqual(a, b);
  });
}

Deno.test("a safetensors file restores an optimizer of a model of other names", async () => {
  await tf.setBackend("wasm");
  const set = data();
  const [model, twin] = [makeModel(3), makeModel(3)];
  const [one, two] = [precond(everything()), precond(everything())];
  compile(model, one);
  await losses(model, set);
  twin.setWeights(model.getWeights());
  compile(twin, two);
  two.load(await one.save());
  assert.deepEqual(await losses(twin, set), await losses(model, set));
});

Deno.test("getWeights() gives copies, setWeights() refuses another chain and changes nothing", async () => {
  await tf.setBackend("cpu");
  const v = tf.variable(tf.tensor1d([1, 2]), true, "copied");
  const optimizer = precond(adam({ learningRate: 0.1 }));
  const step = () => optimizer.minimize(() => tf.sum(tf.square(v)), false, [v]);
  step();
  const first = [...v.dataSync()];
  const weights = await optimizer.getWeights();
  assert.deepEqual(weights.map(({ name }) => name), [
    "iter",
    "precond/state",
    "copied::inverseRms.v",
    "copied::inverseRms.to.m",
  ]);
  const saved = weights.map(({ tensor }) => [...tensor.dataSync()]);
  step();
  assert.deepEqual(weights.map(({ tensor }) => [...tensor.dataSync()]), saved);
  const other = precond(signalSgd());
  await assert.rejects(() => other.setWeights(weights), {
    name: "TypeError",
    message:
      /Cannot restore "copied": saved by the chain "inverseRms\.v:element inverseRms\.to\.m:element"/,
  });
  assert.equal(other.iterations, 0);
  await assert.rejects(() => optimizer.setWeights(weights.slice(0, 1)), {
    message: /no "precond\/state" among iter/,
  });
  // Going back and repeating the step gives the same weights again.
  const second = [...v.dataSync()];
  await optimizer.setWeights(weights);
  assert.equal(optimizer.iterations, 1);
  v.assign(tf.tensor1d(first));
  step();
  assert.deepEqual([...v.dataSync()], second);
});

Deno.test("layers frozen before and during training keep their weights, the others their state", async () => {
  await tf.setBackend("wasm");
  const set = data();
  const model = makeModel(4);
  model.layers[0]!.trainable = false;
  const optimizer = precond(adam({ learningRate: 0.05 }));
  compile(model, optimizer);
  const kernel = () => [...model.layers[0]!.getWeights()[0]!.dataSync()];
  const frozen = kernel();
  await losses(model, set);
  assert.deepEqual(kernel(), frozen);
  model.layers[0]!.trainable = true;
  compile(model, optimizer);
  await losses(model, set);
  assert.notDeepEqual(kernel(), frozen);
  const weights = await optimizer.getWeights();
  const text = weights.find(({ name }) => name === "precond/state")!.tensor.dataSync();
  const state = JSON.parse(new TextDecoder().decode(Uint8Array.from(text)));
  const steps = Object.values(state.parameters as Record<string, { step: number }>).map((p) =>
    p.step
  );
  // Two fits of 6 steps: the first layer took part in one of them.
  assert.deepEqual(steps, [12, 12, 6, 6]);
  tf.dispose(weights.map(({ tensor }) => tensor));
});

Deno.test("two models train at once as they would alone", async () => {
  await tf.setBackend("wasm");
  const set = data();
  const alone = async (seed: number) => {
    const model = makeModel(seed);
    compile(model, precond(everything()));
    return [...await losses(model, set), ...await losses(model, set)];
  };
  const expected = [await alone(5), await alone(6)];
  const models = [makeModel(5), makeModel(6)];
  for (const model of models) compile(model, precond(everything()));
  const together: number[][] = [[], []];
  for (let round = 0; round < 2; round++) {
    for (const [i, model] of models.entries()) together[i]!.push(...await losses(model, set));
  }
  assert.deepEqual(together, expected);
});

Deno.test("a chain with a function of the caller's own cannot be saved with a model, and says so", () => {
  const optimizer = precond(adam({ learningRate: (n) => 1 / (n + 1) }));
  assert.throws(() => optimizer.getConfig(), {
    name: "TypeError",
    message: /function of your own; save its state alone/,
  });
});
