// Arrays that a backend cannot hold, and steps that fail in the middle.
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { opsBackend } from "../_testing.ts";
import { adam, precond, sgd } from "../mod.ts";

Deno.test("wasm without memory left refuses the step and changes nothing", async () => {
  await tf.setBackend("wasm");
  const { wasm } = tf.backend() as unknown as { wasm: { _malloc(bytes: number): number } };
  wasm._malloc(1); // the first call puts the function itself in place of what loads it
  const { _malloc } = wasm;
  let left = Infinity;
  wasm._malloc = (bytes) => bytes === 16 && left-- <= 0 ? 0 : _malloc(bytes);
  try {
    const variables = ["a", "b", "c"].map((name) =>
      tf.variable(tf.ones([3]), true, `exhausted/${name}`)
    );
    const optimizer = precond(adam());
    const gradients = Object.fromEntries(variables.map(({ name }) => [name, tf.ones([3])]));
    optimizer.applyGradients(gradients);
    const state = async () => [
      optimizer.iterations,
      ...variables.map((v) => [...v.dataSync()]),
      ...await Promise.all(variables.map((v) => optimizer.slot(v.name, "inverseRms.v"))),
    ];
    const before = await state(), tensors = tf.memory().numTensors;
    left = 2; // the third variable finds none
    assert.throws(() => optimizer.applyGradients(gradients), {
      name: "RangeError",
      message: "Cannot update on wasm: its memory has no 16 bytes left; dispose tensors",
    });
    assert.deepEqual(await state(), before);
    assert.equal(tf.memory().numTensors, tensors);
    left = Infinity;
    optimizer.applyGradients(gradients);
    assert.equal(optimizer.iterations, 2);
    optimizer.dispose();
    tf.dispose([variables, gradients]);
  } finally {
    wasm._malloc = _malloc;
  }
});

Deno.test("variables without elements are handed to no kernel of a device", async () => {
  await tf.setBackend(opsBackend);
  const before = tf.memory().numTensors;
  const engine = tf.engine();
  const { runKernel } = engine;
  const empty: string[] = [];
  engine.runKernel = (...args) => {
    const [name, inputs] = args;
    const sizes = Object.values(inputs as tf.NamedTensorMap).map((t) => t.size);
    if (sizes.includes(0) && !/^(Identity|Reshape)$/.test(name)) empty.push(name);
    return runKernel.apply(engine, args) as never;
  };
  try {
    for (const definition of [sgd({ learningRate: 0.5, momentum: 0.9 }), adam()]) {
      const full = tf.tidy(() => tf.variable(tf.ones([2]), true, "full"));
      const none = tf.tidy(() => tf.variable(tf.zeros([0, 3]), true, "none"));
      const optimizer = precond(definition);
      const gradients = { none: tf.zeros([0, 3]), full: tf.ones([2]) };
      const stop = optimizer.telemetry({ every: 1, onReport() {} });
      for (let i = 0; i < 2; i++) optimizer.applyGradients(gradients);
      stop();
      assert.notDeepEqual([...full.dataSync()], [1, 1]);
      assert.deepEqual(none.shape, [0, 3]);
      optimizer.dispose();
      tf.dispose([full, none, gradients]);
      await new Promise((done) => setTimeout(done, 5));
    }
  } finally {
    engine.runKernel = runKernel;
  }
  assert.deepEqual(empty, []);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("an update that fails keeps the micro-batches gathered before", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.scalar(0), true, "gathered");
  let rate = NaN;
  const optimizer = precond(sgd({ learningRate: () => rate }), { accumulate: 2 });
  const bring = (gradient: number) => optimizer.applyGradients({ gathered: tf.scalar(gradient) });
  bring(1);
  const tensors = tf.memory().numTensors;
  assert.throws(() => bring(100), { name: "RangeError" });
  assert.equal(tf.memory().numTensors, tensors + 1); // the gradient
  rate = 1;
  bring(5);
  // The mean of 1 and 5; the call that failed has left nothing.
  assert.equal(w.dataSync()[0], -3);
  assert.equal(optimizer.iterations, 1);
  w.dispose();
});

Deno.test("a step that fails gives the variables that the loss wrote their values back", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.scalar(1), true, "statistic/w");
  const mean = tf.variable(tf.scalar(0), false, "statistic/moving_mean");
  const optimizer = precond(sgd({ learningRate: () => NaN }));
  const before = tf.memory().numTensors;
  const loss = () => {
    mean.assign(tf.tidy(() => tf.add(mean, 1)));
    return tf.square(w) as tf.Scalar;
  };
  assert.throws(() => optimizer.minimize(loss, false, [w]));
  assert.deepEqual([mean.dataSync()[0], w.dataSync()[0], optimizer.iterations], [0, 1, 0]);
  assert.equal(tf.memory().numTensors, before);
  tf.dispose([w, mean]);
});
