import {
  adamW,
  chain,
  gaussNewton,
  inverseCurvature,
  learningRate,
  momentum,
  naturalSnr,
  scaleBy,
  signalFraction,
  signalSgd,
} from "@precond/core";
import { assertAllClose, checkBackendProducts, checkReads, productCases } from "@precond/testing";
import assert from "node:assert/strict";
import { block, buffersLeftBy, cnn, gpuOrt, mlp, nodeOrt, type TestNetwork } from "./builds.ts";
import { gpuHost } from "../hosts/gpu_host.ts";
import type { Ort } from "../hosts/ort.ts";
import { Trainer } from "../trainer/trainer.ts";
import type { TrainerOptions } from "../trainer/options.ts";

const open = (ort: Ort, net: TestNetwork, options: TrainerOptions = {}) =>
  Trainer.create(ort, { model: net.model, loss: net.loss }, options);

const gpu = { executionProviders: ["webgpu"] } as const;

async function losses(trainer: Trainer, net: TestNetwork, count: number) {
  const result: number[] = [];
  for (let step = 0; step < count; step++) {
    result.push((await trainer.step(net.feeds(step))).loss);
  }
  return result;
}

const adapter = await navigator.gpu?.requestAdapter();
const ignore = !adapter;

Deno.test("WebGPU is there where it must be", () => {
  // Machines without a driver skip; the project's own CI must not.
  assert.ok(adapter || Deno.env.get("CI") !== "true", "no WebGPU adapter");
});

// onnxruntime-web keeps its workers and its device for the life of the process.
const test = (name: string, fn: (t: Deno.TestContext) => Promise<void>) =>
  Deno.test({ name, ignore, fn, sanitizeOps: false, sanitizeResources: false });

test("products on ONNX Runtime's device are within float32's bound, reads those at their call", async () => {
  const ort = await gpuOrt();
  const host = await gpuHost(ort, { ...gpu });
  const left = await buffersLeftBy(ort, async () => {
    await checkBackendProducts(host!.backend, { unit: 2 ** -23 }, productCases([1, 5, 17, 129]));
    await checkReads(host!.backend);
    await host!.dispose();
  });
  assert.equal(left, 0);
});

test("WebGPU trains as the CPU does", async (t) => {
  const ort = await gpuOrt();
  const optimizers = {
    adamW: adamW({ learningRate: 1e-3 }),
    combined: chain(
      scaleBy(signalFraction()),
      scaleBy(inverseCurvature(gaussNewton({ every: 5 }), { damping: 1e-3 })),
      momentum(),
      learningRate(1e-3),
    ),
    naturalSnr: naturalSnr({ learningRate: 1e-3 }),
  };
  // Each optimizer on the small network, and each network with one of them.
  const names: readonly [TestNetwork, readonly (keyof typeof optimizers)[]][] = [
    [mlp(), ["adamW", "combined", "naturalSnr"]],
    [cnn(), ["naturalSnr"]],
    [block(), ["combined"]],
  ];
  for (const [net, chosen] of names) {
    for (const name of chosen) {
      const optimizer = optimizers[name];
      await t.step(`${net.name}, ${name}`, async () => {
        const cpu = await open(nodeOrt, net, { optimizer });
        const trainer = await open(ort, net, { optimizer, ...gpu });
        assertAllClose(await losses(trainer, net, 8), await losses(cpu, net, 8), {
          relative: 1e-4,
          absolute: 1e-4,
        });
        for (const parameter of cpu.parameters) {
          // Attention does not depend on the keys' bias: its gradient is rounding, which Adam scales up.
          if (parameter === "block0.k.b") continue;
          assertAllClose(await trainer.parameter(parameter), await cpu.parameter(parameter), {
            relative: 1e-3,
            absolute: 1e-3,
          });
        }
        await cpu.release();
        await trainer.release();
      });
    }
  }
});

test("A step moves the batch up and at most the loss down", async () => {
  const ort = await gpuOrt();
  const net = mlp();
  const trainer = await open(ort, net, { optimizer: signalSgd(), ...gpu });
  await losses(trainer, net, 3);
  const device = await ort.env.webgpu.device;
  let [up, down] = [0, 0];
  const { writeBuffer } = device.queue;
  const { createBuffer } = device;
  device.queue.writeBuffer = function (...args: Parameters<GPUQueue["writeBuffer"]>) {
    const [, , data, , size] = args as [unknown, unknown, ArrayBuffer, unknown, number | undefined];
    up += size ?? data.byteLength;
    return writeBuffer.apply(this, args);
  };
  device.createBuffer = function (options: GPUBufferDescriptor) {
    if ((options.usage & 0x01) !== 0) down += options.size; // MAP_READ
    if (options.mappedAtCreation) up += options.size;
    return createBuffer.call(this, options);
  };
  try {
    await trainer.step(net.feeds(3), { readLoss: false });
    assert.equal(down, 0);
    const unread = up;
    await trainer.step(net.feeds(4));
    assert.ok(down <= 32, `${down} bytes were read for one loss`);
    // 16·6 floats, 16 labels, and uniforms; the 83 parameters with state would be more.
    const batch = 16 * 6 * 4 + 16 * 8;
    assert.ok(unread <= batch + 4096, `${unread} bytes were written for a batch of ${batch}`);
  } finally {
    device.queue.writeBuffer = writeBuffer;
    device.createBuffer = createBuffer;
  }
  await trainer.release();
});

test("Two trainers share the device without crosstalk", async () => {
  const ort = await gpuOrt();
  const net = mlp();
  const alone = await open(ort, net, { optimizer: adamW({ learningRate: 0.01 }), ...gpu });
  const expected = await losses(alone, net, 6);
  await alone.release();
  const a = await open(ort, net, { optimizer: adamW({ learningRate: 0.01 }), ...gpu });
  const b = await open(ort, net, { optimizer: signalSgd({ learningRate: 0.1 }), ...gpu });
  const seen: number[] = [];
  for (let step = 0; step < 6; step++) {
    seen.push((await a.step(net.feeds(step))).loss);
    await b.step(net.feeds(step + 50));
  }
  assertAllClose(seen, expected, { relative: 1e-5 });
  await b.release();
  assert.ok((await a.step(net.feeds(7))).loss > 0);
  await a.release();
});

test("Two trainers at the same time wait for each other", async () => {
  const ort = await gpuOrt();
  const net = mlp();
  const options = { optimizer: adamW({ learningRate: 0.01 }), ...gpu };
  const alone = await open(ort, net, options);
  const expected = await losses(alone, net, 4);
  // ONNX Runtime refuses two sessions that are opened together, and two runs break its memory.
  const pair = await Promise.all([open(ort, net, options), open(ort, net, options)]);
  const seen = await Promise.all(pair.map((trainer) => losses(trainer, net, 4)));
  assert.deepEqual(seen, [expected, expected]);
  await Promise.all([alone, ...pair].map((trainer) => trainer.release()));
});

test("save() and load() on WebGPU repeat the same steps", async () => {
  const ort = await gpuOrt();
  const net = mlp();
  const trainer = await open(ort, net, { optimizer: adamW({ learningRate: 0.01 }), ...gpu });
  await losses(trainer, net, 4);
  const saved = await trainer.save();
  const expected = await losses(trainer, net, 4);
  trainer.load(saved);
  assert.deepEqual(await losses(trainer, net, 4), expected);
  const cpu = await open(nodeOrt, net, { optimizer: adamW({ learningRate: 0.01 }) });
  cpu.load(saved);
  assertAllClose(await losses(cpu, net, 4), expected, { relative: 1e-4 });
  await cpu.release();
  await trainer.release();
});

test("save() and load() between micro-batches on WebGPU repeat the same steps", async () => {
  const ort = await gpuOrt();
  const net = mlp();
  const optimizer = naturalSnr({ learningRate: 1e-3 });
  const trainer = await open(ort, net, { optimizer, accumulate: 3, ...gpu });
  await losses(trainer, net, 5);
  const saved = await trainer.save();
  const expected = await losses(trainer, net, 6);
  trainer.load(saved);
  assert.deepEqual(await losses(trainer, net, 6), expected);
  await trainer.release();
});

test("200 steps on WebGPU leave no buffers behind", async () => {
  const ort = await gpuOrt();
  const net = mlp();
  const trainer = await open(ort, net, { optimizer: adamW(), ...gpu });
  const feeds = net.feeds(0);
  for (let step = 0; step < 20; step++) await trainer.step(feeds);
  const alive = await buffersLeftBy(ort, async () => {
    for (let step = 0; step < 200; step++) await trainer.step(feeds);
  });
  assert.ok(alive < 20, `${alive} buffers more after 200 steps`);
  await trainer.release();
});
