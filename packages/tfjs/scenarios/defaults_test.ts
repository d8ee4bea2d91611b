/** Every alias without options trains ordinary models: it ends below its start. */
import {
  type AliasMaker,
  checkDefaults,
  type DefaultRun,
  type DefaultTaskName,
  drawActions,
  everyAlias,
  gradientAliases,
  random,
  recommendedAliases,
  taskData,
  worthOf,
} from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import "../_testing.ts";
import { evidenceLoss, precond } from "../mod.ts";
import { enableWasmTraining } from "../wasm_training/mod.ts";
import { dataOf, defaultNetworks } from "./default_tasks.ts";

async function train(make: AliasMaker, name: DefaultTaskName, { seed, scale }: DefaultRun) {
  const task = taskData[name];
  const { x, y, constant } = dataOf(task, seed, scale);
  const model = layers.sequential({ layers: defaultNetworks[name](seed) });
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
    for (const name of Object.keys(taskData) as DefaultTaskName[]) {
      const task = taskData[name];
      const heavy = task.shape.length > 1 || !task.scales;
      const makers = heavy || backend === "wasm" ? recommendedAliases : everyAlias;
      if (backend === "cpu" && name === "convolutional net") continue; // slow there, the same on wasm
      for (const alias of Object.keys(makers)) {
        // Three seeds where it is faster.
        const check = { alias, task: name, thorough: !heavy && backend === "wasm" };
        await t.step(`${name}: ${alias}()`, () => checkDefaults(check, train));
      }
    }
  });
}

Deno.test("a variational autoencoder and a policy train by minimize() and applyGradients()", async (t) => {
  await tf.setBackend("cpu");
  for (const [name, make] of Object.entries(gradientAliases)) {
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
      const source = random(9);
      const logits = tf.variable(tf.zeros([5]));
      const optimizer = precond(make());
      const policy = () => tf.tidy(() => [...tf.softmax(logits).dataSync()]);
      const start = worthOf(policy());
      for (let step = 0; step < 200; step++) {
        const p = policy();
        const gradient = new Float32Array(5);
        for (const { action, advantage } of drawActions(p, source)) {
          // −advantage · ∇ log p(action)
          for (let i = 0; i < 5; i++) {
            gradient[i]! -= advantage * ((i === action ? 1 : 0) - p[i]!) / 8;
          }
        }
        const g = tf.tensor1d(gradient);
        optimizer.applyGradients({ [logits.name]: g });
        g.dispose();
      }
      const end = worthOf(policy());
      assert.ok(end > start, `${start} → ${end}`);
      optimizer.dispose();
      logits.dispose();
    });
  }
});
