// A file that is saved between the micro-batches of an update.
import {
  adamW,
  chain,
  type Definition,
  gaussNewton,
  learningRate,
  scaleBy,
  signalFraction,
  signalNewton,
} from "@precond/core";
import { readSafetensors, writeSafetensors } from "@precond/core/backend";
import assert from "node:assert/strict";
import { join } from "node:path";
import { mlp, nodeOrt } from "../scenarios/builds.ts";
import { loadFile, saveFile } from "../node/mod.ts";
import { Trainer } from "../trainer/trainer.ts";

const net = mlp();
const open = (optimizer: Definition, accumulate = 3, seed = 1) =>
  Trainer.create(nodeOrt, net, { optimizer, accumulate, seed });

async function steps(trainer: Trainer, from: number, to: number): Promise<number[]> {
  const losses: number[] = [];
  for (let step = from; step < to; step++) losses.push((await trainer.step(net.feeds(step))).loss);
  return losses;
}

const optimizers: Readonly<Record<string, Definition>> = {
  adamW: adamW({ learningRate: 0.01 }),
  // The mean of the squared micro-batch gradients is gathered, too.
  squares: chain(scaleBy(signalFraction({ from: "gradientSquares" })), learningRate(0.1)),
  // Draws labels in the last micro-batch of an update.
  combined: signalNewton({
    curvatureWarmup: 1,
    stepClip: Infinity,
    learningRate: 0.01,
    curvature: gaussNewton({ every: 2 }),
  }),
};

for (const [name, optimizer] of Object.entries(optimizers)) {
  for (const file of ["run.safetensors", "run.ckpt"]) {
    Deno.test(`save + load between micro-batches is no interruption: ${name}, ${file}`, async () => {
      const folder = await Deno.makeTempDir();
      const path = join(folder, file);
      const a = await open(optimizer);
      const b = await open(optimizer, 3, 7);
      try {
        for (const gathered of [1, 2]) {
          await steps(a, 0, 3 + gathered);
          await saveFile(a, path);
          const { iteration } = a;
          const losses = await steps(a, 10, 19 - gathered);
          // What b gathered itself must not get in.
          await steps(b, 50, 52);
          await loadFile(b, path);
          assert.equal(b.iteration, iteration);
          assert.deepEqual(await steps(b, 10, 19 - gathered), losses);
          // All of it: parameters, slots, counts, random numbers.
          assert.deepEqual(await b.save(), await a.save());
        }
      } finally {
        await a.release();
        await b.release();
        await Deno.remove(folder, { recursive: true });
      }
    });
  }
}

Deno.test("a file of more micro-batches than make an update is refused, and changes nothing", async () => {
  const a = await open(optimizers["adamW"]!);
  await steps(a, 0, 5);
  const file = await a.save();
  for (const accumulate of [1, 2]) {
    const b = await open(optimizers["adamW"]!, accumulate);
    const before = await b.save();
    assert.throws(() => b.load(file), {
      name: "TypeError",
      message: "Cannot load the trainer: it was saved after 2 of the steps of an update, " +
        `current accumulate is ${accumulate}`,
    });
    assert.deepEqual(await b.save(), before);
    await b.release();
  }
  // A longer one goes on where it was: two more steps make the update of four.
  const c = await open(optimizers["adamW"]!, 4);
  c.load(file);
  await steps(c, 5, 6);
  assert.equal(c.iteration, 1);
  await steps(c, 6, 7);
  assert.equal(c.iteration, 2);
  for (const t of [a, c]) await t.release();
});

Deno.test("after an update files are as they always were, and loading them forgets", async () => {
  const a = await open(optimizers["adamW"]!);
  await steps(a, 0, 3);
  const file = await a.save();
  const { metadata, tensors } = readSafetensors(file);
  assert.equal(metadata["gathered"], undefined);
  assert.ok(![...tensors.keys()].some((name) => name.includes("gathered")));
  const b = await open(optimizers["adamW"]!);
  await steps(b, 7, 9);
  b.load(file);
  assert.deepEqual(await steps(b, 3, 6), await steps(a, 3, 6));
  assert.deepEqual(await b.save(), await a.save());
  for (const t of [a, b]) await t.release();
});

Deno.test("a damaged gathered gradient is refused, and changes nothing", async () => {
  const a = await open(optimizers["squares"]!);
  await steps(a, 0, 4);
  const { metadata, tensors } = readSafetensors(await a.save());
  const before = await a.save();
  const without = (name: string) => new Map([...tensors].filter(([key]) => key !== name));
  const flat = { shape: [1], values: Float32Array.of(0) };
  const cases: [Parameters<typeof writeSafetensors>[0], RegExp][] = [
    [
      { metadata, tensors: without("w1::gathered") },
      /middle of an update, of which "w1::gathered" is not in the file/,
    ],
    [
      { metadata, tensors: without("w1::gatheredSquares") },
      /of which "w1::gatheredSquares" is not in the file/,
    ],
    [
      { metadata, tensors: new Map([...tensors, ["w2::gathered", flat]]) },
      /"w2::gathered" has shape \[8,3\], in the file it has \[1\]/,
    ],
    ...['{"runs":0,"examples":16}', '{"runs":1.5,"examples":16}', '{"runs":1,"examples":"x"}']
      .map((gathered): (typeof cases)[number] => [
        { metadata: { ...metadata, gathered }, tensors },
        /the file's gathered gradient is damaged/,
      ]),
  ];
  for (const [parts, message] of cases) {
    assert.throws(() => a.load(writeSafetensors(parts)), { name: "TypeError", message });
  }
  assert.deepEqual(await a.save(), before);
  await a.release();
});
