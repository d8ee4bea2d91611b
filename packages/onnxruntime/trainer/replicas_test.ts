// One update from several trainers, and several trainers as one.
import {
  adam,
  chain,
  learningRate,
  type Replica,
  scaleBy,
  sgd,
  signalFraction,
} from "@precond/core";
import { diagonalNewton, fisher, hutchinson, userCurvature } from "@precond/core";
import { assertAllClose } from "@precond/testing";
import assert from "node:assert/strict";
import { mergeTrainers } from "../saving/merge_trainers.ts";
import { cnn, mlp, nodeOrt } from "../scenarios/builds.ts";
import { Trainer } from "./trainer.ts";
import type { TrainerOptions } from "./options.ts";

const net = mlp();
const open = (options: TrainerOptions) =>
  Trainer.create(nodeOrt, { model: net.model, loss: net.loss }, options);
const snr = () => chain(scaleBy(signalFraction({ from: "gradientSquares" })), learningRate(0.1));
const valuesOf = async (trainer: Trainer) =>
  (await Promise.all(trainer.parameters.map((name) => trainer.parameter(name))))
    .flatMap((values) => [...values]);

Deno.test("applyReplicas() is the update of a trainer that accumulates the shards", async () => {
  const whole = await open({ optimizer: snr(), accumulate: 3 });
  const [server, worker] = [await open({ optimizer: snr() }), await open({ optimizer: sgd() })];
  for (let i = 0; i < 2; i++) {
    const shards = [3 * i, 3 * i + 1, 3 * i + 2].map((k) => net.feeds(k));
    for (const feeds of shards) await whole.step(feeds);
    for (const name of worker.parameters) worker.setParameter(name, await server.parameter(name));
    const before = await worker.save();
    const replicas: Replica[] = [];
    for (const feeds of shards) replicas.push((await worker.computeGradients(feeds)).replica);
    assert.deepEqual(await worker.save(), before);
    await server.applyReplicas(replicas);
    assertAllClose(await valuesOf(server), await valuesOf(whole), {
      relative: 1e-5,
      absolute: 1e-7,
    });
    assertAllClose(await server.gradient("w1"), await whole.gradient("w1"), {
      relative: 1e-5,
      absolute: 1e-8,
    });
  }
  assert.equal(server.iteration, 2);
  for (const trainer of [whole, server, worker]) await trainer.release();
});

Deno.test("squares of single examples make one step of all replicas' examples", async () => {
  // One replica with the squares of its examples is the step itself.
  const [own, server] = [await open({ optimizer: snr() }), await open({ optimizer: snr() })];
  await own.step(net.feeds(0));
  await server.applyReplicas([(await server.computeGradients(net.feeds(0))).replica]);
  assertAllClose(await valuesOf(server), await valuesOf(own), { relative: 1e-6, absolute: 1e-8 });
  await own.release();
  await server.release();
});

Deno.test("curvature samples of replicas are averaged by examples", async () => {
  const definition = diagonalNewton({
    curvature: userCurvature({ every: 2 }),
    curvatureWarmup: 1,
    damping: 0.1,
  });
  const whole = await open({ optimizer: definition, accumulate: 2 });
  const [server, worker] = [
    await open({ optimizer: definition }),
    await open({ optimizer: definition }),
  ];
  const sizes = await Promise.all(
    server.parameters.map(async (name) => [name, (await server.parameter(name)).length] as const),
  );
  const samples = (value: number) =>
    Object.fromEntries(sizes.map(([name, size]) => [name, new Float32Array(size).fill(value)]));
  for (const [i, due] of [true, false, true].entries()) {
    assert.equal(server.curvatureDue, due);
    const shards = [net.feeds(2 * i), net.feeds(2 * i + 1)];
    // Shards are of one size: the mean of the samples is that of 2 and 6.
    for (const feeds of shards) await whole.step(feeds, { curvature: samples(4) });
    const replicas: Replica[] = [];
    for (const [k, feeds] of shards.entries()) {
      for (const name of worker.parameters) worker.setParameter(name, await server.parameter(name));
      const options = { curvature: samples(k === 0 ? 2 : 6), sampleCurvature: server.curvatureDue };
      replicas.push((await worker.computeGradients(feeds, options)).replica);
      assert.equal(replicas[k]!.curvature !== undefined, due);
    }
    await server.applyReplicas(replicas);
    const close = { relative: 1e-5, absolute: 1e-7 };
    assertAllClose(await valuesOf(server), await valuesOf(whole), close);
  }
  for (const trainer of [whole, server, worker]) await trainer.release();
});

Deno.test("a sample that a worker draws is the one that a step draws", async () => {
  for (const curvature of [fisher({ every: 1 }), hutchinson({ every: 1 })]) {
    const optimizer = diagonalNewton({ curvature, curvatureWarmup: 1 });
    const [own, server] = [await open({ optimizer }), await open({ optimizer })];
    await own.step(net.feeds(0));
    const { replica } = await server.computeGradients(net.feeds(0), { sampleCurvature: true });
    await server.applyReplicas([replica]);
    assertAllClose(await valuesOf(server), await valuesOf(own), { relative: 1e-6, absolute: 1e-8 });
    await own.release();
    await server.release();
  }
});

Deno.test("applyReplicas() refuses what does not fit and changes nothing", async () => {
  const trainer = await open({ optimizer: adam(), accumulate: 2 });
  const { replica } = await trainer.computeGradients(net.feeds(0));
  const before = await trainer.save();
  const { w1, ...others } = replica.gradients;
  const cases: [Replica[], RegExp][] = [
    [[], /^Cannot combine replicas: replicas must be an array of at least 1/],
    [
      [{ ...replica, gradients: others }],
      /^Cannot apply replicas: "w1" has shape \[.*\], its gradient is not given$/,
    ],
    [
      [{ ...replica, gradients: { ...others, w1: w1!.slice(1) } }],
      /"w1" has shape .*, its gradient \d+ elements$/,
    ],
    [
      [{ ...replica, gradients: { ...replica.gradients, x: w1! } }],
      /"x" is not trained; trained are w1, /,
    ],
  ];
  for (const [replicas, message] of cases) {
    await assert.rejects(trainer.applyReplicas(replicas), { message });
  }
  assert.deepEqual(await trainer.save(), before);
  await assert.rejects(trainer.computeGradients(net.feeds(0), { sampleCurvature: true }), {
    name: "TypeError",
    message:
      /^Cannot compute gradients: a curvature sample is asked for, and the optimizer takes none/,
  });
  await trainer.step(net.feeds(0));
  await assert.rejects(trainer.applyReplicas([replica]), {
    message:
      "Cannot apply replicas: 1 of the 2 steps of an update are gathered; finish it with step()",
  });
  await trainer.release();
  const newton = await open({ optimizer: diagonalNewton({ curvature: fisher({ every: 1 }) }) });
  await assert.rejects(newton.applyReplicas([replica]), {
    message:
      /which they do not bring; give computeGradients\(\) \{ sampleCurvature: trainer\.curvatureDue \}$/,
  });
  await newton.release();
});

Deno.test("mergeTrainers() averages parameters and merges what optimizers know", async () => {
  const definition = adam();
  const clients = [await open({ optimizer: definition }), await open({ optimizer: definition })];
  for (const [i, client] of clients.entries()) {
    for (let k = 0; k < 3; k++) await client.step(net.feeds(3 * i + k));
  }
  const files = await Promise.all(clients.map((client) => client.save()));
  assert.deepEqual(mergeTrainers([files[0]!], [1], { definition }), files[0]);
  const server = await open({ optimizer: definition });
  server.load(mergeTrainers(files, [0.25, 0.75], { definition }));
  assert.equal(server.iteration, 3);
  const mix = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a, (x, k) => x / 4 + b[k]! * 0.75);
  const [a, b] = await Promise.all(clients.map(valuesOf));
  assertAllClose(await valuesOf(server), mix(a!, b!), { relative: 1e-6, absolute: 1e-8 });
  for (const slot of ["inverseRms.v", "inverseRms.to.m"]) {
    const [x, y] = await Promise.all(clients.map((client) => client.slot("w1", slot)));
    assertAllClose(await server.slot("w1", slot), mix(x!, y!), { relative: 1e-6, absolute: 1e-12 });
  }
  // A checkpoint says the same.
  const checkpoint = await clients[1]!.save({ format: "checkpoint" });
  const merged = mergeTrainers([files[0]!, checkpoint], [0.25, 0.75], { definition });
  const other = await open({ optimizer: definition });
  other.load(merged);
  assert.deepEqual(await valuesOf(other), await valuesOf(server));
  // And training goes on.
  const [{ loss }, { loss: again }] = [
    await server.step(net.feeds(9)),
    await other.step(net.feeds(9)),
  ];
  assert.ok(Number.isFinite(loss));
  assert.equal(loss, again);
  for (const trainer of [...clients, server, other]) await trainer.release();
});

Deno.test("mergeTrainers() refuses files that are not of one model, or half an update", async () => {
  const definition = adam();
  const half = await open({ optimizer: definition, accumulate: 2 });
  const file = await half.save();
  await half.step(net.feeds(0));
  const gathered = await half.save();
  await half.release();
  const other = await Trainer.create(nodeOrt, { model: cnn().model, loss: net.loss }, {
    optimizer: definition,
  });
  const foreign = await other.save();
  await other.release();
  const cases: [Uint8Array[], RegExp][] = [
    [
      [file, gathered],
      /^Cannot merge trainers: file 2 was saved in the middle of an update; save after/,
    ],
    [[file, foreign], /^Cannot merge trainers: of ".*" file 1 has .*, file 2 /],
    [[], /files must be an array of at least 1/],
  ];
  for (const [files, message] of cases) {
    const weights = files.map(() => 1 / files.length);
    assert.throws(() => mergeTrainers(files, weights, { definition }), { message });
  }
  assert.throws(() => mergeTrainers([file, file], [1, 1], { definition }), {
    name: "RangeError",
    message: /weights must add up to 1/,
  });
});
