import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { backends, leaked } from "../_testing.ts";
import {
  adam,
  adamW,
  chain,
  cosine,
  hutchinson,
  learningRate,
  momentum,
  perParameter,
  precond,
  sgd,
  signalNewton,
  signalSgd,
  userCurvature,
} from "../mod.ts";

const scalarLoss = (f: () => tf.Tensor) => () => tf.sum(f()) as tf.Scalar;

for (const backend of backends) {
  Deno.test(`adam, sgd and momentum equal tf.train's on ${backend}`, async () => {
    await tf.setBackend(backend);
    const pairs = [
      [adam({ learningRate: 0.05, epsilon: 1e-7 }), tf.train.adam(0.05, 0.9, 0.999, 1e-7)],
      [sgd({ learningRate: 0.02 }), tf.train.sgd(0.02)],
      [sgd({ learningRate: 0.02, momentum: 0.9 }), tf.train.momentum(0.02, 0.9)],
      [
        sgd({ learningRate: 0.02, momentum: 0.9, nesterov: true }),
        tf.train.momentum(0.02, 0.9, true),
      ],
    ] as const;
    for (const [definition, theirs] of pairs) {
      const start = tf.randomNormal([4, 5], 0, 1, "float32", 3);
      const [a, b] = [tf.variable(start), tf.variable(start)];
      const ours = precond(definition);
      const curve = tf.randomUniform([4, 5], 0.1, 2, "float32", 4);
      for (let i = 0; i < 50; i++) {
        for (const [optimizer, v] of [[ours, a], [theirs, b]] as const) {
          optimizer.minimize(
            scalarLoss(() => tf.mul(curve, tf.square(tf.sub(v, 0.3)))),
            false,
            [v],
          );
        }
      }
      assertAllClose(a.dataSync(), b.dataSync(), { relative: 1e-5, absolute: 1e-5 });
      ours.dispose();
      theirs.dispose();
      tf.dispose([start, a, b, curve]);
    }
  });

  Deno.test(`a step leaves no tensor behind on ${backend}`, async () => {
    await tf.setBackend(backend);
    const v = tf.variable(tf.ones([3, 2]));
    const loss = scalarLoss(() => tf.square(v));
    const optimizer = precond(
      signalNewton({
        curvatureWarmup: 1,
        stepClip: Infinity,
        curvature: hutchinson({ every: 3 }),
        scale: "unit-norm",
        pool: "row",
      }),
    );
    optimizer.minimize(loss, false, [v]);
    assert.equal(
      leaked(() => {
        for (let i = 0; i < 12; i++) optimizer.minimize(loss, false, [v]);
      }),
      0,
    );
    assert.equal(leaked(() => tf.dispose(optimizer.minimize(loss, true, [v])!)), 0);
    // m, d, h, the factor made of it, momentum
    assert.equal(leaked(() => optimizer.dispose()), -5);
    v.dispose();
  });
}

for (const backend of backends) {
  Deno.test(`clones and read-backs of the weights keep their values on ${backend}`, async () => {
    await tf.setBackend(backend);
    const v = tf.variable(tf.tensor1d([1, 2, 3]), true, `cloned${backend}`);
    const g = tf.tensor1d([1, 1, 1]);
    const optimizer = precond(sgd({ learningRate: 1 }));
    const step = () => optimizer.applyGradients([{ name: v.name, tensor: g }]);
    step();
    const clone = tf.clone(v);
    const view = tf.reshape(v, [3, 1]);
    const values = v.dataSync();
    step();
    step();
    assert.deepEqual([...clone.dataSync()], [0, 1, 2]);
    assert.deepEqual([...view.dataSync()], [0, 1, 2]);
    assert.deepEqual([...values], [0, 1, 2]);
    assert.deepEqual([...v.dataSync()], [-2, -1, 0]);
    tf.dispose([v, g, clone, view]);
  });

  Deno.test(`1,000 steps keep memory constant on ${backend}`, async () => {
    await tf.setBackend(backend);
    const v = tf.variable(tf.ones([100]), true, `steady${backend}`);
    const g = tf.fill([100], 0.001);
    const optimizer = precond(adam());
    const step = () => optimizer.applyGradients([{ name: v.name, tensor: g }]);
    for (let i = 0; i < 10; i++) step();
    const { numTensors, numBytes, numDataBuffers } = tf.memory();
    for (let i = 0; i < 1000; i++) step();
    const after = tf.memory();
    assert.deepEqual(
      [after.numTensors, after.numBytes, after.numDataBuffers],
      [numTensors, numBytes, numDataBuffers],
    );
    optimizer.dispose();
    tf.dispose([v, g]);
  });
}

Deno.test("applyGradients() takes arrays with undefined entries and maps alike", async () => {
  await tf.setBackend("cpu");
  const make = () => ["a", "b"].map((name) => tf.variable(tf.tensor1d([1, 2]), true, name));
  const g = tf.tensor1d([1, -1]);
  const results = [
    [{ name: "a", tensor: g }, { name: "b", tensor: undefined as unknown as tf.Tensor }],
    { a: g },
  ].map((gradients) => {
    const [a, b] = make();
    const optimizer = precond(sgd({ learningRate: 0.5 }));
    optimizer.applyGradients(gradients);
    const values = [...a!.dataSync(), ...b!.dataSync()];
    tf.dispose([a!, b!]);
    return values;
  });
  assert.deepEqual(results, [[0.5, 2.5, 1, 2], [0.5, 2.5, 1, 2]]);
  assert.equal(g.isDisposed, false);
  g.dispose();
});

Deno.test("applyGradients() refuses what does not fit, and changes nothing", async () => {
  await tf.setBackend("cpu");
  const v = tf.variable(tf.tensor1d([1, 2]), true, "refusal");
  const optimizer = precond(sgd({ learningRate: 0.5 }));
  const wrong = tf.tensor1d([1, 2, 3]);
  assert.throws(() => optimizer.applyGradients({ refusal: wrong }), {
    name: "TypeError",
    message:
      'Cannot step "refusal": its gradient has shape [3] and dtype float32, expected [2] and float32',
  });
  assert.throws(() => optimizer.applyGradients({ nobody: wrong }), {
    message: 'Cannot apply the gradient of "nobody": there is no such variable',
  });
  assert.throws(() => optimizer.applyGradients({ refusal: tf.tensor1d([1, 2], "int32") }), {
    message: /dtype int32/,
  });
  const given = optimizer.applyGradients.bind(optimizer) as (gradients: unknown) => void;
  const none = /^Cannot apply gradients: they must be tensors by the names of variables, or a list/;
  for (const gradients of [undefined, null, 1, "w", wrong]) {
    assert.throws(() => given(gradients), { name: "TypeError", message: none });
  }
  for (const gradients of [[wrong], [{ name: "refusal", tensor: [1, 2] }], { refusal: [1, 2] }]) {
    assert.throws(() => given(gradients), {
      name: "TypeError",
      message: /^Cannot apply the gradient of .*: expected the name of a variable and a tensor/,
    });
  }
  const gone = tf.tensor1d([1, 2]);
  gone.dispose();
  assert.throws(() => given({ refusal: gone }), {
    name: "TypeError",
    message: 'Cannot step "refusal": its gradient is disposed',
  });
  const needy = precond(
    signalNewton({ curvatureWarmup: 1, stepClip: Infinity, curvature: userCurvature() }),
  );
  const right = tf.tensor1d([1, 2]);
  assert.throws(() => needy.applyGradients({ refusal: right }), {
    message: /the first step of "refusal" brings no user curvature sample/,
  });
  assert.throws(() => needy.minimize(() => tf.sum(v) as tf.Scalar, false, [v]), {
    message: /user-supplied samples, which go to applyGradients/,
  });
  assert.throws(
    () => precond(signalNewton()).minimize(() => tf.sum(v) as tf.Scalar, false, [v]),
    { message: /the closure gives only a loss/ },
  );
  assert.deepEqual([...v.dataSync()], [1, 2]);
  assert.equal(optimizer.iterations, 0);
  v.dispose();
});

Deno.test("the learning rate is readable, settable and follows its schedule", async () => {
  await tf.setBackend("cpu");
  const v = tf.variable(tf.scalar(0), true, "rate");
  const one = tf.scalar(1);
  const optimizer = precond(sgd({ learningRate: cosine({ from: 1, steps: 2 }) }));
  assert.equal(optimizer.learningRate, 1);
  optimizer.applyGradients({ rate: one }); // −1
  assert.equal(optimizer.learningRate, 0.5);
  optimizer.applyGradients({ rate: one }); // −0.5
  optimizer.learningRate = 4;
  assert.equal(optimizer.learningRate, 4);
  optimizer.applyGradients({ rate: one }); // −4
  assert.equal(v.dataSync()[0], -5.5);
  assert.throws(() => optimizer.learningRate = -1, { name: "RangeError" });
  assert.throws(() => precond(chain(momentum())).learningRate = 1, {
    message: /^Cannot set the learning rate: the chain has no learningRate\(\)/,
  });
  tf.dispose([v, one]);
});

Deno.test("two optimizers on the same variables do not disturb each other's state", async () => {
  await tf.setBackend("wasm");
  const run = (both: boolean) => {
    const v = tf.variable(tf.tensor1d([1, 2, 3]), true, "shared");
    const w = tf.variable(tf.tensor1d([1, 2, 3]), true, "alone");
    const [a, b] = [precond(adam({ learningRate: 0.1 })), precond(adamW({ learningRate: 0.3 }))];
    for (let i = 0; i < 5; i++) {
      a.minimize(scalarLoss(() => tf.square(v)), false, [v]);
      if (both) b.minimize(scalarLoss(() => tf.square(w)), false, [w]);
    }
    const values = [...v.dataSync()];
    a.dispose();
    b.dispose();
    tf.dispose([v, w]);
    return values;
  };
  assert.deepEqual(run(true), run(false));
});

Deno.test("a variable used twice is stepped once, with the sum of its gradients", async () => {
  await tf.setBackend("cpu");
  const v = tf.variable(tf.scalar(2), true, "tied");
  // d/dv (v·v·3) = 6v = 12
  precond(sgd({ learningRate: 0.1 })).minimize(() => tf.mul(3, tf.mul(v, v)), false, [v]);
  assertAllClose(v.dataSync(), [0.8]);
  v.dispose();
});

Deno.test("state follows the name when a variable is frozen for a while", async () => {
  await tf.setBackend("cpu");
  const [a, b] = ["first", "second"].map((n) => tf.variable(tf.scalar(1), true, n)) as [
    tf.Variable,
    tf.Variable,
  ];
  const optimizer = precond(chain(momentum({ decay: 0.5, form: "sum" }), learningRate(1)));
  const [one, ten] = [tf.scalar(1), tf.scalar(10)];
  optimizer.applyGradients({ first: one, second: ten });
  optimizer.applyGradients({ second: ten });
  optimizer.applyGradients({ first: one, second: ten });
  // first: 1, then 1 + ½; second: 10, 15, 17.5
  assert.deepEqual([a.dataSync()[0], b.dataSync()[0]], [1 - 2.5, 1 - 42.5]);
  tf.dispose([a, b, one, ten]);
});

Deno.test("groups train each variable with its own chain", async () => {
  await tf.setBackend("wasm");
  const [k, b] = ["layer/kernel", "layer/bias"].map((n) => tf.variable(tf.scalar(1), true, n)) as [
    tf.Variable,
    tf.Variable,
  ];
  const optimizer = precond(perParameter([
    { match: /bias/, chain: sgd({ learningRate: 0.5 }) },
    { match: () => true, chain: signalSgd({ learningRate: 0.25 }) },
  ]));
  const g = tf.scalar(1);
  optimizer.applyGradients({ "layer/kernel": g, "layer/bias": g });
  assert.deepEqual([k.dataSync()[0], b.dataSync()[0]], [0.75, 0.5]);
  optimizer.dispose();
  tf.dispose([k, b, g]);
});
