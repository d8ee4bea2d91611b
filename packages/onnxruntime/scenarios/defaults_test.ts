/** Every alias without options trains ordinary models through a trainer: it ends below its start. */
import {
  type AliasMaker,
  checkDefaultRun,
  constantLoss,
  curvatureAliases,
  type DefaultRun,
  defaultRuns,
  type DefaultTaskName,
  gradientAliases,
  random,
  taskData,
} from "@precond/testing";
import assert from "node:assert/strict";
import { Trainer } from "../trainer/trainer.ts";
import { nodeOrt } from "./builds.ts";
import { autoencoderCost, defaultNetwork, feedsOf, policyCost } from "./default_tasks.ts";

const batchSize = 8, epochs = 12;

async function train(make: AliasMaker, name: DefaultTaskName, { seed, scale }: DefaultRun) {
  const task = taskData[name];
  const { x, y } = task.draw(seed);
  const trainer = await Trainer.create(nodeOrt, defaultNetwork(name, seed), {
    optimizer: make(),
    seed,
  });
  const all = feedsOf(task, x, y, scale);
  const start = (await trainer.evaluate(all)).loss;
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let at = 0; at < x.length; at += batchSize) {
      const part = <T>(rows: readonly T[]) => rows.slice(at, at + batchSize);
      await trainer.step(feedsOf(task, part(x), part(y), scale));
    }
  }
  const end = (await trainer.evaluate(all)).loss;
  await trainer.release();
  return { start, end, constant: constantLoss(task, y) };
}

for (const name of Object.keys(taskData) as DefaultTaskName[]) {
  Deno.test(`without options every alias ends below its start on a trainer: ${name}`, async (t) => {
    const task = taskData[name];
    for (const [alias, make] of Object.entries({ ...gradientAliases, ...curvatureAliases })) {
      await t.step(`${alias}()`, async () => {
        for (const run of defaultRuns(alias, task, true)) {
          checkDefaultRun(alias, task, run, await train(make, name, run));
        }
      });
    }
  });
}

Deno.test("a variational autoencoder trains by its own output", async (t) => {
  const { feeds, ...source } = autoencoderCost();
  for (const [alias, make] of Object.entries(gradientAliases)) {
    await t.step(`${alias}()`, async () => {
      const trainer = await Trainer.create(nodeOrt, source, { optimizer: make() });
      const start = (await trainer.evaluate(feeds)).loss;
      for (let step = 0; step < 150; step++) await trainer.step(feeds);
      const end = (await trainer.evaluate(feeds)).loss;
      await trainer.release();
      assert.ok(end < start, `${start} → ${end}`);
    });
  }
});

Deno.test("a policy trains by rewards", async (t) => {
  const rewards = [0, 0.2, 0.4, 0.6, 1];
  for (const [alias, make] of Object.entries(gradientAliases)) {
    await t.step(`${alias}()`, async () => {
      const { uniform, normal } = random(9);
      const trainer = await Trainer.create(nodeOrt, policyCost(), { optimizer: make() });
      const policy = async () => {
        const e = Array.from(await trainer.parameter("logits"), Math.exp);
        const sum = e.reduce((a, b) => a + b, 0);
        return e.map((v) => v / sum);
      };
      const value = (p: readonly number[]) => p.reduce((v, q, i) => v + q * rewards[i]!, 0);
      const start = value(await policy());
      for (let step = 0; step < 200; step++) {
        const p = await policy();
        const data = new Float32Array(8 * 5);
        for (let k = 0; k < 8; k++) {
          let u = uniform(), action = 0;
          while (action < 4 && u > p[action]!) u -= p[action++]!;
          data[5 * k + action] = rewards[action]! - value(p) + normal() / 10;
        }
        await trainer.step({ weighted: { data, dims: [8, 5] } });
      }
      const end = value(await policy());
      await trainer.release();
      assert.ok(end > start, `${start} → ${end}`);
    });
  }
});
