// What goes wrong leaves a trainer as it was, and able to go on.
import { adamW, diagonalNewton, gaussNewton, sgd } from "@precond/core";
import { buildModel, DataType } from "@precond/onnx";
import assert from "node:assert/strict";
import { mlp, nodeOrt } from "../scenarios/builds.ts";
import type { Feeds, Ort } from "../hosts/ort.ts";
import { Trainer } from "./trainer.ts";
import type { TrainerOptions } from "./options.ts";

const net = mlp();
const open = (options: TrainerOptions = {}, ort: Ort = nodeOrt) =>
  Trainer.create(ort, { model: net.model, loss: net.loss }, options);

/** The first examples of a batch. */
function first(count: number): Feeds {
  return Object.fromEntries(
    Object.entries(net.feeds(0)).map(([name, { data, dims }]) => {
      const rest = dims.slice(1).reduce((a, b) => a * b, 1);
      return [name, {
        data: (data as Float32Array).slice(0, count * rest),
        dims: [count, ...dims.slice(1)],
      }];
    }),
  );
}

Deno.test("After release() every call says so, and none reads freed memory", async () => {
  const trainer = await open();
  await trainer.step(net.feeds(0));
  const saved = await trainer.save();
  const values = await trainer.parameter("w1");
  await trainer.release();
  const calls: Readonly<Record<string, () => unknown>> = {
    step: () => trainer.step(net.feeds(0)),
    evaluate: () => trainer.evaluate(net.feeds(0)),
    predict: () => trainer.predict({ x: net.feeds(0)["x"]! }),
    fit: () => trainer.fit([net.feeds(0)]),
    parameter: () => trainer.parameter("w1"),
    setParameter: () => trainer.setParameter("w1", values),
    gradient: () => trainer.gradient("w1"),
    telemetry: () => trainer.telemetry({ onReport() {} }),
    save: () => trainer.save(),
    load: () => trainer.load(saved),
    exportModel: () => trainer.exportModel(),
  };
  for (const [name, call] of Object.entries(calls)) {
    await assert.rejects(
      async () => await call(),
      { name: "TypeError", message: /^Cannot .*: it is released$/ },
      name,
    );
  }
  await trainer.release();
});

Deno.test("load() and setParameter() cannot get between a step and its update", async () => {
  const trainer = await open({ optimizer: adamW() });
  await trainer.step(net.feeds(0));
  const saved = await trainer.save();
  const other = await open({ optimizer: adamW() });
  const running = other.step(net.feeds(1));
  assert.throws(() => other.load(saved), {
    name: "TypeError",
    message: "Cannot load: a call is running (step); wait for its end",
  });
  const waiting = other.evaluate(net.feeds(1));
  assert.throws(() => other.setParameter("b2", new Float32Array(3)), {
    name: "TypeError",
    message: "Cannot set a parameter: a call is running (step, then evaluate); wait for its end",
  });
  await running;
  await waiting;
  other.load(saved);
  assert.equal(other.iteration, 1);
  assert.deepEqual(await other.parameter("w1"), await trainer.parameter("w1"));
  // A step that failed is over, too.
  await assert.rejects(other.step({}));
  other.load(saved);
  await trainer.release();
  await other.release();
});

Deno.test("A batch size that is none is refused, and the next step updates", async () => {
  const trainer = await open({ optimizer: sgd({ learningRate: 0.1 }) });
  for (const batchSize of [0, -1, NaN, Infinity]) {
    await assert.rejects(trainer.step(net.feeds(0), { batchSize }), {
      name: "RangeError",
      message: `Cannot step: batchSize must be positive, current value is ${batchSize}`,
    });
  }
  await assert.rejects(trainer.step(first(0)), /batchSize must be positive, current value is 0/);
  assert.equal(trainer.iteration, 0);
  await trainer.step(net.feeds(0));
  assert.equal(trainer.iteration, 1);
  await trainer.release();
});

Deno.test("Two trainers of one build at the same time do not disturb each other", async () => {
  const web = await import("onnxruntime-web") as unknown as Ort;
  for (const ort of [nodeOrt, web]) {
    const alone = await open({ optimizer: adamW({ learningRate: 0.01 }) }, ort);
    for (let step = 0; step < 5; step++) await alone.step(net.feeds(step));
    const pair = [0, 1].map(() => open({ optimizer: adamW({ learningRate: 0.01 }) }, ort));
    const [a, b] = await Promise.all(pair) as [Trainer, Trainer];
    for (let step = 0; step < 5; step++) {
      await Promise.all([a.step(net.feeds(step)), b.step(net.feeds(step))]);
    }
    for (const t of [a, b]) {
      assert.deepEqual(await t.parameter("w1"), await alone.parameter("w1"));
      await t.release();
    }
    await alone.release();
  }
});

Deno.test("Calls that are not awaited run in their order", async () => {
  const [hasty, patient] = [await open(), await open()];
  const calls = [0, 1, 2, 3].map((step) => hasty.step(net.feeds(step)));
  const saved = hasty.save();
  const late = hasty.step(net.feeds(4));
  for (let step = 0; step < 4; step++) {
    assert.equal((await calls[step])!.loss, (await patient.step(net.feeds(step))).loss);
  }
  assert.deepEqual(await saved, await patient.save());
  assert.equal((await late).loss, (await patient.step(net.feeds(4))).loss);
  await hasty.release();
  await patient.release();
});

Deno.test("A step that failed draws the same random numbers when it is tried again", async () => {
  const optimizer = diagonalNewton({
    curvatureWarmup: 1,
    stepClip: Infinity,
    curvature: gaussNewton({ every: 1 }),
    learningRate: 0.01,
  });
  const [tried, untroubled] = [await open({ optimizer }), await open({ optimizer })];
  const good = net.feeds(0);
  const bad = { ...good, x: { data: new Float32Array(96).fill(NaN), dims: [16, 6] } };
  await assert.rejects(tried.step(bad), /the loss is NaN/);
  for (const t of [tried, untroubled]) await t.step(good);
  assert.deepEqual(await tried.save(), await untroubled.save());
  await tried.release();
  await untroubled.release();
});

Deno.test("What fails inside ONNX Runtime names the call, and the next step goes on", async () => {
  const m = buildModel();
  const table = m.parameter("table", [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  m.output(m.op("Gather", [table, m.input("ids", ["N"], DataType.INT64)], {}, "y"));
  const trainer = await Trainer.create(nodeOrt, { model: m.build(), loss: { type: "mse" } }, {
    optimizer: sgd({ learningRate: 1 }),
  });
  const feeds = (...ids: bigint[]): Feeds => ({
    ids: { data: BigInt64Array.from(ids), dims: [ids.length] },
    labels: { data: new Float32Array(2 * ids.length), dims: [ids.length, 2] },
  });
  const before = await trainer.parameter("table");
  for (const call of ["step", "evaluate"] as const) {
    await assert.rejects(trainer[call](feeds(0n, 3n)), (error: Error) => {
      assert.match(
        error.message,
        new RegExp(`^Cannot ${call}: ONNX Runtime failed: .*indices`, "s"),
      );
      assert.ok(error.cause instanceof Error);
      return true;
    });
  }
  assert.deepEqual(await trainer.parameter("table"), before);
  // d/dw mean(w²) over two elements of row 0 is w.
  await trainer.step(feeds(0n));
  assert.deepEqual([...await trainer.parameter("table")], [0, 0, 3, 4, 5, 6]);
  await trainer.release();
});
