/** Every alias without options trains ordinary models through a trainer: it ends below its start. */
import {
  type AliasMaker,
  checkDefaults,
  constantLoss,
  type DefaultRun,
  type DefaultTaskName,
  drawActions,
  everyAlias,
  gradientAliases,
  random,
  taskData,
  worthOf,
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
    for (const alias of Object.keys(everyAlias)) {
      await t.step(`${alias}()`, () => checkDefaults({ alias, task: name, thorough: true }, train));
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
  for (const [alias, make] of Object.entries(gradientAliases)) {
    await t.step(`${alias}()`, async () => {
      const source = random(9);
      const trainer = await Trainer.create(nodeOrt, policyCost(), { optimizer: make() });
      const policy = async () => {
        const e = Array.from(await trainer.parameter("logits"), Math.exp);
        const sum = e.reduce((a, b) => a + b, 0);
        return e.map((v) => v / sum);
      };
      const start = worthOf(await policy());
      for (let step = 0; step < 200; step++) {
        const data = new Float32Array(8 * 5);
        for (const [k, { action, advantage }] of drawActions(await policy(), source).entries()) {
          data[5 * k + action] = advantage;
        }
        await trainer.step({ weighted: { data, dims: [8, 5] } });
      }
      const end = worthOf(await policy());
      await trainer.release();
      assert.ok(end > start, `${start} → ${end}`);
    });
  }
});
