/** Every alias without options trains ordinary models: it ends below its start. */
import { random } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import "../_testing.ts";
import * as precondTfjs from "../mod.ts";
import { type Definition, evidenceLoss, precond } from "../mod.ts";
import { dataOf, type DefaultTask, defaultTasks } from "./default_tasks.ts";
import { enableWasmTraining } from "../wasm_training/mod.ts";

const { combined, curvatureOnly, snrOnly } = precondTfjs;

/** Those made to train any ordinary model. */
const recommended = { snrOnly, curvatureOnly, combined };
const needNothing = {
  ...recommended,
  sgd: precondTfjs.sgd,
  adam: precondTfjs.adam,
  adamW: precondTfjs.adamW,
  adagrad: precondTfjs.adagrad,
  adamax: precondTfjs.adamax,
  lion: precondTfjs.lion,
  mSvag: precondTfjs.mSvag,
  nadam: precondTfjs.nadam,
  rmsProp: precondTfjs.rmsProp,
  signalSgd: precondTfjs.signalSgd,
  svag: precondTfjs.svag,
};
/** Those that want curvature sampled. */
const needEvidence = {
  adaHessian: precondTfjs.adaHessian,
  diagonalNewton: precondTfjs.diagonalNewton,
  naturalSnr: precondTfjs.naturalSnr,
  signalNewton: precondTfjs.signalNewton,
  sophia: precondTfjs.sophia,
  vSgd: precondTfjs.vSgd,
};
/** Rates in the units of the gradient: a loss of 150² is beyond them, as it is for tf.train.sgd. */
const ofGradient = ["sgd", "svag", "mSvag", "signalSgd"];

interface Ends {
  readonly start: number;
  readonly end: number;
  readonly constant: number;
}

async function train(
  make: () => Definition,
  task: DefaultTask,
  seed: number,
  scale: number,
): Promise<Ends> {
  const { x, y, constant } = dataOf(task, seed, scale);
  const model = layers.sequential({ layers: task.layers(seed) });
  model.compile({ optimizer: precond(make(), { seed }), loss: evidenceLoss(task.loss) });
  const lossOf = () => (model.evaluate(x, y) as tf.Scalar).dataSync()[0]!;
  const start = lossOf();
  await model.fit(x, y, { epochs: 12, batchSize: 8, shuffle: false, verbose: 0 });
  const end = lossOf();
  model.optimizer.dispose();
  model.dispose();
  tf.dispose([x, y]);
  return { start, end, constant };
}

for (const backend of ["cpu", "wasm"]) {
  Deno.test(`without options every alias ends below its start on ${backend}`, async (t) => {
    await tf.setBackend(backend);
    if (backend === "wasm") enableWasmTraining();
    for (const [taskName, task] of Object.entries(defaultTasks)) {
      const heavy = task.shape.length > 1 || !task.scales;
      const makers = heavy || backend === "wasm"
        ? recommended
        : { ...needNothing, ...needEvidence };
      if (backend === "cpu" && taskName === "convolutional net") continue; // slow there, the same on wasm
      for (const [name, make] of Object.entries(makers)) {
        await t.step(`${taskName}: ${name}()`, async () => {
          const scales = task.scales ? [0.25, 1, 4] : [1];
          for (const scale of scales) {
            for (const seed of name in recommended && !heavy ? [1, 2, 3] : [1]) {
              const { start, end, constant } = await train(make, task, seed, scale);
              const what = `${start} → ${end} (constant ${constant}), scale ${scale}, seed ${seed}`;
              if (task.far && ofGradient.includes(name) && scale > 1) continue;
              assert.ok(end < start, what);
              // What is recommended learns from the inputs: better than any constant.
              if (name in recommended && !task.far) assert.ok(end < 0.9 * constant, what);
            }
          }
        });
      }
    }
  });
}

Deno.test("a variational autoencoder and a policy train by minimize() and applyGradients()", async (t) => {
  await tf.setBackend("cpu");
  for (const [name, make] of Object.entries(needNothing)) {
    await t.step(`${name}(): variational autoencoder`, () => {
      const { normal } = random(4);
      const draw = (...shape: number[]) =>
        tf.tensor(Array.from({ length: shape.reduce((a, b) => a * b) }, normal), shape);
      const x = tf.tidy(() =>
        tf.tanh(tf.matMul(draw(64, 2) as tf.Tensor2D, draw(2, 8) as tf.Tensor2D))
      );
      const w = [draw(8, 4), draw(2, 8)].map((v) => tf.variable(tf.mul(v, 0.5)));
      const [encoder, decoder] = w as [tf.Variable, tf.Variable];
      const noise = draw(64, 2);
      // −ELBO with one fixed draw: squared error + KL(q‖N(0, 1)).
      const loss = () =>
        tf.tidy(() => {
          const [mean, logVariance] = tf.split(
            tf.matMul(x as tf.Tensor2D, encoder as tf.Tensor2D),
            2,
            1,
          );
          const z = tf.add(mean!, tf.mul(noise, tf.exp(tf.div(logVariance!, 2))));
          const error = tf.sum(
            tf.squaredDifference(tf.matMul(z as tf.Tensor2D, decoder as tf.Tensor2D), x),
            1,
          );
          const kl = tf.mul(
            0.5,
            tf.sum(
              tf.sub(tf.sub(tf.add(tf.exp(logVariance!), tf.square(mean!)), 1), logVariance!),
              1,
            ),
          );
          return tf.mean(tf.add(error, tf.mul(0.1, kl))) as tf.Scalar;
        });
      const optimizer = precond(make());
      const start = loss().dataSync()[0]!;
      for (let step = 0; step < 150; step++) optimizer.minimize(loss, false, w);
      const end = loss().dataSync()[0]!;
      assert.ok(end < start, `${start} → ${end}`);
      optimizer.dispose();
      tf.dispose([x, noise, ...w]);
    });
    await t.step(`${name}(): policy gradient`, () => {
      const { uniform, normal } = random(9);
      const logits = tf.variable(tf.zeros([5]));
      const rewards = [0, 0.2, 0.4, 0.6, 1];
      const optimizer = precond(make());
      const policy = () => tf.tidy(() => [...tf.softmax(logits).dataSync()]);
      const value = () => policy().reduce((sum, p, i) => sum + p * rewards[i]!, 0);
      const start = value();
      for (let step = 0; step < 200; step++) {
        const p = policy();
        const gradient = new Float32Array(5);
        for (let k = 0; k < 8; k++) {
          let u = uniform(), action = 0;
          while (action < 4 && u > p[action]!) u -= p[action++]!;
          const advantage = rewards[action]! - value() + normal() / 10;
          // −advantage · ∇ log p(action)
          for (let i = 0; i < 5; i++) {
            gradient[i]! -= advantage * ((i === action ? 1 : 0) - p[i]!) / 8;
          }
        }
        const g = tf.tensor1d(gradient);
        optimizer.applyGradients({ [logits.name]: g });
        g.dispose();
      }
      const end = value();
      assert.ok(end > start, `${start} → ${end}`);
      optimizer.dispose();
      logits.dispose();
    });
  }
});
