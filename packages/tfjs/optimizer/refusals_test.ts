/** What the optimizer and its losses refuse, with nothing changed and no tensor left behind. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import {
  adam,
  binary,
  chain,
  classification,
  evidenceLoss,
  fitMicroBatches,
  precond,
  PrecondOptimizer,
  sgd,
  signalSgd,
  skipNonFinite,
  squaredError,
} from "../mod.ts";

/** Refused by one of our own messages, leaving no tensor. */
async function refused(run: () => unknown, message: RegExp): Promise<void> {
  const before = tf.memory().numTensors;
  await assert.rejects(async () => await run(), (error: Error) => {
    assert.match(error.message, /^Cannot [a-z].*[^.]$/);
    assert.match(error.message, message);
    return error.name === "TypeError" || error.name === "RangeError";
  }, String(message));
  assert.equal(tf.memory().numTensors, before, String(message));
}

const name = "refusals/v";
const variable = () => tf.variable(tf.tensor1d([1, 2]), true, name);

Deno.test("minimize() refuses a loss that is no scalar, and leaves nothing of a call that fails", async () => {
  await tf.setBackend("cpu");
  const v = variable(), optimizer = precond(adam());
  const closures: [unknown, RegExp][] = [
    [
      () => tf.square(v),
      /the loss must be a scalar tensor, current value is an object of shape \[2\]$/,
    ],
    [() => 3, /current value is 3/],
    [() => undefined, /current value is undefined/],
    [() => Promise.resolve(1), /current value is an object \(Promise\)/],
  ];
  for (const [f, message] of closures) {
    await refused(() => optimizer.minimize(f as never, false, [v]), message);
    const one = () => tf.sum(tf.square(v)) as tf.Scalar;
    await refused(() => optimizer.minimizeMicroBatches([one, f as never], false, [v]), message);
  }
  await refused(() => optimizer.minimizeMicroBatches([5, 6] as never), /closures must be an array/);
  const before = tf.memory().numTensors;
  assert.throws(() => optimizer.minimize(5 as never), /must be a function/);
  const fails = () => {
    tf.square(tf.square(v));
    throw new Error("mine");
  };
  assert.throws(() => optimizer.minimize(fails, false, [v]), { message: "mine" });
  assert.throws(() => optimizer.minimize(() => tf.sum(tf.ones([2])), false, [v]), /connection/);
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual([[...v.dataSync()], optimizer.iterations], [[1, 2], 0]);
  v.dispose();
});

Deno.test("applyGradients() refuses what is no list or map, a variable twice, and evidence of nobody", async () => {
  await tf.setBackend("cpu");
  const v = variable(), other = tf.variable(tf.ones([2]), true, "refusals/other");
  const g = tf.ones([2]), gradients = { [name]: g };
  for (const none of [new Map([[name, g]]), null, 5, g]) {
    await refused(() => precond(sgd()).applyGradients(none as never), /they must be tensors by/);
  }
  for (const none of [[null], [5], [[]], [{ name }, { name: 5 }]]) {
    await refused(() => precond(sgd()).applyGradients(none as never), /expected the name of a var/);
  }
  for (const accumulate of [1, 2]) {
    const optimizer = precond(signalSgd({ from: "gradientSquares" }), { accumulate });
    const twice = [{ name, tensor: g }, { name, tensor: g }];
    await refused(() => optimizer.applyGradients(twice), /is given twice/);
    for (const curvature of [5, null, [g], g]) {
      const given = { curvature } as never;
      await refused(() => optimizer.applyGradients(gradients, given), /curvature must be tensors/);
    }
    const list = { curvature: { [name]: new Float32Array(2) } } as never;
    await refused(
      () => optimizer.applyGradients(gradients, list),
      /its curvature sample has shape/,
    );
    for (const whose of ["refusals/w", other.name]) {
      const given = { gradientSquares: { [whose]: g }, microBatches: 2 };
      await refused(
        () => optimizer.applyGradients(gradients, given),
        /gradientSquares must be .* of variables that step, current value is refusals/,
      );
    }
  }
  tf.dispose([v, other, g]);
});

Deno.test("setWeights() and fromConfig() refuse what was not made here, and change nothing", async () => {
  await tf.setBackend("cpu");
  const v = variable(), optimizer = precond(adam());
  optimizer.minimize(() => tf.sum(tf.square(v)) as tf.Scalar, false, [v]);
  const weights = await optimizer.getWeights(), state = await optimizer.save();
  const last = weights.at(-1)!, rest = weights.slice(0, -1);
  const integers = tf.cast(last.tensor, "int32"), gone = tf.ones([2]);
  gone.dispose();
  const restoring = (given: unknown) => () => optimizer.setWeights(given as never);
  for (const none of [null, undefined, 5, [null], weights.map(({ tensor }) => tensor)]) {
    await refused(restoring(none), /the weights must be an array/);
  }
  await refused(restoring([...rest, { name: last.name, tensor: gone }]), /must be an array/);
  await refused(
    restoring([...rest, { name: last.name, tensor: integers }]),
    /dtype must be float32/,
  );
  assert.deepEqual(await optimizer.save(), state);
  for (const config of [null, {}, { learningRate: 0.1, beta1: 0.9 }, { definition: "adam" }]) {
    const make = () => PrecondOptimizer.fromConfig(PrecondOptimizer as never, config as never);
    await refused(make, /the configuration has no definition/);
  }
  optimizer.dispose();
  assert.equal(optimizer.iterations, 0);
  tf.dispose([v, integers, weights.map(({ tensor }) => tensor)]);
});

Deno.test("a held step counts as little before a load as after it", async () => {
  await tf.setBackend("cpu");
  const v = variable();
  const make = () => precond(chain(skipNonFinite(), adam()));
  const optimizer = make(), restored = make();
  for (const g of [NaN, 1]) optimizer.applyGradients({ [name]: tf.fill([2], g) });
  restored.load(await optimizer.save());
  assert.deepEqual([optimizer.iterations, restored.iterations], [1, 1]);
  v.dispose();
});

Deno.test("losses and fitMicroBatches() refuse options of each other, and what is no tensor", async () => {
  await tf.setBackend("cpu");
  const x = tf.ones([4, 2]), outputs = () => x;
  for (const make of [classification, binary, squaredError] as ((...all: unknown[]) => unknown)[]) {
    await refused(() => make(x, x), /must be a function/);
    await refused(() => make(outputs, [1, 0]), /must be a tensor/);
  }
  const named = classification as (...all: unknown[]) => unknown;
  await refused(() => named(outputs, x, { batchAxis: 1 }), /it has no options/);
  await refused(() => evidenceLoss("meanSquaredError", { like: "poisson" }), /like is for losses/);
  await refused(() => evidenceLoss(() => x, { fromLogits: true }), /which like is needed for/);
  const model = layers.sequential();
  model.add(layers.layers.dense({ units: 1, inputShape: [2] }));
  model.compile({ optimizer: precond(sgd()), loss: "meanSquaredError" });
  const fit = (...given: unknown[]) => () =>
    (fitMicroBatches as (...all: unknown[]) => Promise<unknown>)(...given);
  await refused(fit(model, x, x, { microBatches: 2, batchSize: 4 }), /"batchSize" is no option/);
  await refused(fit(model, x, x, { microBatches: "2" }), /microBatches must be an integer/);
  await refused(fit(model, x, x), /microBatches must .*, but it is not given/);
  await refused(fit(model, [[1, 2]], x, { microBatches: 2 }), /x must be a tensor/);
  await refused(fit(null, x, x, { microBatches: 2 }), /not made by precond/);
  model.dispose();
  x.dispose();
});
