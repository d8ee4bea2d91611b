// Going on after a restore, and what saving leaves behind.
import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import { backends } from "../_testing.ts";
import { adam, perParameter, precond, type PrecondOptimizer, sgd } from "../mod.ts";

const square = (v: tf.Variable) => () => tf.sum(tf.square(v)) as tf.Scalar;

Deno.test("a first step after a restore may train only variables that were never saved", async () => {
  await tf.setBackend("cpu");
  const body = tf.variable(tf.ones([2]), true, "later/w");
  const head = tf.variable(tf.ones([3]), true, "sooner/w");
  const first = precond(adam());
  first.minimize(square(body), false, [body]);
  const second = precond(adam());
  second.load(await first.save());
  const moments = await second.slot(body.name, "inverseRms.to.m");
  second.minimize(square(head), false, [head]);
  assert.deepEqual(await second.slot(body.name, "inverseRms.to.m"), moments);
  first.minimize(square(body), false, [body]);
  body.assign(tf.tensor1d([0.999, 0.999]));
  second.minimize(square(body), false, [body]);
  // Their moments go on: m = (.9 m + g)/(.9 + 1), g = 2 · 0.999.
  const m = await second.slot(body.name, "inverseRms.to.m");
  assertAllClose([...m], [...moments].map((x) => (0.9 * x + 2 * 0.999) / 1.9), { relative: 1e-5 });
  tf.dispose([body, head]);
});

Deno.test("a restore of another model of the same shapes is refused by name and changes nothing", async () => {
  await tf.setBackend("cpu");
  const one = tf.variable(tf.ones([2]), true, "one/kernel");
  const first = precond(adam());
  first.minimize(square(one), false, [one]);
  const bytes = await first.save();
  one.dispose();
  const other = tf.variable(tf.ones([2]), true, "other/kernel");
  const second = precond(adam());
  second.load(bytes);
  const before = tf.memory().numTensors;
  assert.throws(() => second.minimize(square(other), false, [other]), {
    name: "TypeError",
    message: "Cannot restore the optimizer: no variable matches; saved are one/kernel [2], " +
      "current are other/kernel [2]",
  });
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual([...other.dataSync()], [1, 1]);
  other.dispose();
});

Deno.test("states follow layers that a rebuilt model counts anew", async () => {
  await tf.setBackend("cpu");
  const make = () =>
    layers.sequential({
      layers: [1, 2].map(() => layers.layers.dense({ units: 2, inputShape: [2] })),
    });
  const x = tf.ones([2, 2]);
  const fit = (model: layers.Sequential, optimizer: PrecondOptimizer) => {
    model.compile({ optimizer, loss: "meanSquaredError" });
    return model.fit(x, x, { epochs: 2, verbose: 0, shuffle: false });
  };
  const model = make();
  const optimizer = precond(adam());
  await fit(model, optimizer);
  const bytes = await optimizer.save();
  const weights = model.getWeights().map((w) => w.clone());
  const names = model.weights.map((w) => w.name);
  const moments = await Promise.all(names.map((n) => optimizer.slot(n, "inverseRms.to.m")));
  // The rebuilt one begins at the number of the second layer of the first.
  model.dispose();
  layers.layers.dense({ units: 1 });
  const rebuilt = make();
  rebuilt.setWeights(weights);
  const second = precond(adam());
  second.load(bytes);
  const zero = Object.fromEntries(rebuilt.trainableWeights.map((w) => {
    const { name, shape } = (w as unknown as { val: tf.Variable }).val;
    return [name, tf.zeros(shape)];
  }));
  second.applyGradients(zero);
  const found = await Promise.all(
    rebuilt.weights.map((w) => second.slot(w.name, "inverseRms.to.m")),
  );
  // The third sample's weight is 1/(1 + .9 + .81).
  assertAllClose(
    found.flatMap((m) => [...m]),
    moments.flatMap((m) => [...m]).map((m) => (1 - 1 / 2.71) * m),
    { relative: 1e-6, absolute: 1e-12 },
  );
});

for (const backend of backends) {
  Deno.test(`model.save() with the optimizer leaves no tensor on ${backend}`, async () => {
    await tf.setBackend(backend);
    const model = layers.sequential({
      layers: [layers.layers.dense({ units: 3, inputShape: [4] })],
    });
    const optimizer = precond(adam());
    model.compile({ optimizer, loss: "meanSquaredError" });
    await model.fit(tf.ones([8, 4]), tf.ones([8, 3]), { verbose: 0 });
    const save = () => {
      const sink = {
        save: () =>
          Promise.resolve({
            modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" as const },
          }),
      };
      return model.save(sink, { includeOptimizer: true });
    };
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) await save();
    assert.equal(tf.memory().numTensors, before);
    // What the caller asks for itself stays the caller's, also when it has been read.
    const weights = await optimizer.getWeights();
    for (const { tensor } of weights) await tensor.data();
    assert.ok(weights.every(({ tensor }) => !tensor.isDisposed));
    tf.dispose(weights.map(({ tensor }) => tensor));
  });
}

Deno.test("setWeights() goes by name: the order of the tensors does not matter", async () => {
  await tf.setBackend("cpu");
  const v = tf.variable(tf.ones([2]), true, "ordered");
  const first = precond(adam());
  for (let i = 0; i < 3; i++) first.minimize(square(v), false, [v]);
  const weights = await first.getWeights();
  for (const list of [weights, [...weights].reverse(), weights.slice(1)]) {
    const second = precond(adam());
    await second.setWeights(list);
    assert.equal(second.iterations, 3);
    assert.deepEqual(
      await second.slot(v.name, "inverseRms.v"),
      await first.slot(v.name, "inverseRms.v"),
    );
  }
  v.dispose();
});

Deno.test("a learning rate set by hand is saved, and undefined goes back to the schedule", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.scalar(0), true, "rated");
  const first = precond(sgd({ learningRate: 0.1 }));
  first.learningRate = 0.01;
  first.minimize(() => tf.mul(w, 1) as tf.Scalar, false, [w]);
  const loaded = precond(sgd({ learningRate: 0.1 })), set = precond(sgd({ learningRate: 0.1 }));
  loaded.load(await first.save());
  await set.setWeights(await first.getWeights());
  assert.deepEqual([loaded.learningRate, set.learningRate], [0.01, 0.01]);
  loaded.learningRate = undefined;
  assert.equal(loaded.learningRate, 0.1);
  w.dispose();
});

Deno.test("a learning rate set by hand keeps the ratios of groups", async () => {
  await tf.setBackend("cpu");
  const [head, body] = ["head/w", "body/w"].map((name) => tf.variable(tf.scalar(0), true, name));
  const optimizer = precond(perParameter([
    { match: /^head/, chain: sgd({ learningRate: 0.1 }) },
    { match: /^body/, chain: sgd({ learningRate: 0.001 }) },
  ]));
  optimizer.learningRate *= 0.5;
  optimizer.minimize(() => tf.add(head!, body!) as tf.Scalar, false, [head!, body!]);
  assertAllClose([head!.dataSync()[0]!, body!.dataSync()[0]!], [-0.05, -0.0005], {
    relative: 1e-6,
  });
  tf.dispose([head!, body!]);
});
