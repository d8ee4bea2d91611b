import {
  adaHessian,
  adamW,
  chain,
  gaussNewton,
  inverseCurvature,
  learningRate,
  momentum,
  naturalSnr,
  scaleBy,
  signalFraction,
} from "@precond/core";
import assert from "node:assert/strict";
import {
  block,
  buffersLeftBy,
  cnn,
  gpuOrt,
  mlp,
  nodeOrt,
  type TestNetwork,
} from "../../scenarios/builds.ts";
import type { Ort } from "../ort.ts";
import { Trainer } from "../../trainer/trainer.ts";
import type { TrainerOptions } from "../../trainer/options.ts";

const adapter = await navigator.gpu?.requestAdapter();

// onnxruntime-web keeps its workers and its device for the life of the process.
const test = (name: string, fn: (t: Deno.TestContext) => Promise<void>) =>
  Deno.test({ name, ignore: !adapter, fn, sanitizeOps: false, sanitizeResources: false });

const open = async (net: TestNetwork, options: TrainerOptions) =>
  await Trainer.create(await gpuOrt(), net, { executionProviders: ["webgpu"], ...options });

const cases: Readonly<Record<string, TrainerOptions>> = {
  adamW: { optimizer: adamW({ learningRate: 1e-3 }) },
  // Two graphs, of which each is recorded.
  combined: {
    optimizer: chain(
      scaleBy(signalFraction()),
      scaleBy(inverseCurvature(gaussNewton({ every: 2 }), { damping: 1e-3 })),
      momentum(),
      learningRate(1e-3),
    ),
  },
  "per-example squares": { optimizer: naturalSnr({ learningRate: 1e-3 }) },
  "two micro-batches": { optimizer: naturalSnr({ learningRate: 1e-3 }), accumulate: 2 },
  "finite differences": {
    optimizer: adaHessian({ learningRate: 1e-3 }),
    hutchinson: "finiteDifferences",
  },
};

test("A captured graph trains as the graph does, to the bit", async (t) => {
  // Which graphs there are depends on the options, which kernels they have on the network.
  const names: readonly [TestNetwork, readonly string[]][] = [
    [mlp(), Object.keys(cases)],
    [cnn(), ["per-example squares"]],
    [block(), ["combined"]],
  ];
  for (const [net, chosen] of names) {
    for (const name of chosen) {
      const options = cases[name]!;
      await t.step(`${net.name}, ${name}`, async () => {
        const outputs = net.name === "CNN" ? {} : { outputs: [net.model.graph!.output[0]!.name] };
        const plain = await open(net, { ...options, ...outputs });
        const captured = await open(net, { ...options, ...outputs, capture: true });
        // Of two graphs each runs, is recorded and is replayed.
        for (let step = 0; step < 6; step++) {
          const [a, b] = [await plain.step(net.feeds(step)), await captured.step(net.feeds(step))];
          assert.deepEqual(a.loss, b.loss, `step ${step}`);
          for (const [output, tensor] of Object.entries(a.outputs)) {
            const other = b.outputs[output]!;
            assert.deepEqual([...other.dims], [...tensor.dims]);
            assert.deepEqual(other.data, tensor.data);
          }
          // Other sessions take buffers from the same store between replays.
          if (step % 3 === 2) {
            assert.deepEqual(
              (await captured.evaluate(net.feeds(step))).loss,
              (await plain.evaluate(net.feeds(step))).loss,
            );
          }
        }
        assert.deepEqual(await captured.save(), await plain.save());
        await plain.release();
        await captured.release();
      });
    }
  }
});

test("Two captured trainers, and parameters that are set, do not disturb each other", async () => {
  const net = mlp();
  const options = { optimizer: adamW({ learningRate: 0.01 }), capture: true };
  const alone = await open(net, options);
  const expected: number[] = [];
  for (let step = 0; step < 6; step++) expected.push((await alone.step(net.feeds(step))).loss);
  const initial = await open(net, options);
  const saved = await initial.save();
  for (let step = 0; step < 3; step++) await initial.step(net.feeds(step + 20));
  // Recorded long ago, replayed with what load() brought.
  initial.load(saved);
  const other = await open(net, { ...options, optimizer: adamW({ learningRate: 0.1 }) });
  for (let step = 0; step < 6; step++) {
    assert.equal((await initial.step(net.feeds(step))).loss, expected[step]);
    await other.step(net.feeds(step + 50));
  }
  for (const t of [alone, initial, other]) await t.release();
});

test("A batch of another size is refused, and the next one is taken", async () => {
  const net = mlp();
  const trainer = await open(net, { capture: true });
  await trainer.step(net.feeds(0));
  const weights = await trainer.parameter("w1");
  const half = {
    x: { data: new Float32Array(48), dims: [8, 6] },
    labels: { data: new BigInt64Array(8), dims: [8] },
  };
  await assert.rejects(trainer.step(half), {
    name: "TypeError",
    message: /^Cannot step: "(x|labels)" must have shape \[16.* in the first step.* is \[8/,
  });
  assert.deepEqual(await trainer.parameter("w1"), weights);
  await trainer.step(net.feeds(1));
  assert.equal(trainer.iteration, 2);
  // Other graphs take batches of any size.
  await trainer.evaluate(half);
  await trainer.release();
});

test("A graph that cannot be captured is refused in its first step", async () => {
  const ort = await gpuOrt();
  const net = mlp();
  const cause = new Error("not all nodes are there");
  const { create } = ort.InferenceSession;
  const refusing: Ort = {
    ...ort,
    InferenceSession: {
      create: (model, options) =>
        options?.enableGraphCapture === true
          ? Promise.reject(cause)
          : create.call(ort.InferenceSession, model, options),
    },
  };
  const trainer = await Trainer.create(refusing, net, {
    executionProviders: ["webgpu"],
    capture: true,
  });
  await assert.rejects(trainer.step(net.feeds(0)), {
    name: "TypeError",
    message: "Cannot capture the training graph: not all nodes are there; create the trainer " +
      "without capture",
    cause,
  });
  await trainer.evaluate(net.feeds(0));
  await trainer.release();
});

test("200 captured steps leave no buffers behind", async () => {
  const net = mlp();
  const trainer = await open(net, { optimizer: adamW(), capture: true });
  const feeds = net.feeds(0);
  for (let step = 0; step < 20; step++) await trainer.step(feeds);
  const alive = await buffersLeftBy(await gpuOrt(), async () => {
    for (let step = 0; step < 200; step++) await trainer.step(feeds);
  });
  assert.ok(alive < 20, `${alive} buffers more after 200 steps`);
  await trainer.release();
});

Deno.test("What cannot capture says so when the trainer is created", async () => {
  const net = mlp();
  await assert.rejects(Trainer.create(nodeOrt, net, { capture: true }), {
    name: "TypeError",
    message: 'Cannot capture the training graph: the provider "cpu" of this build cannot; use ' +
      '"webgpu" of "onnxruntime-web/webgpu"',
  });
});
