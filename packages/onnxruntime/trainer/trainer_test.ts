import {
  adamW,
  averageWeights,
  chain,
  combined,
  createOptimizer,
  type Definition,
  diagonalNewton,
  gaussNewton,
  hutchinson,
  inverseCurvature,
  learningRate,
  momentum,
  naturalSnr,
  scaleBy,
  sgd,
  signalFraction,
  signalNewton,
  signalSgd,
  userCurvature,
} from "@precond/core";
import {
  buildModel,
  differentiate,
  generateArtifacts,
  readModel,
  tensorData,
  writeModel,
} from "@precond/onnx";
import { assertAllClose } from "@precond/testing";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { block, cnn, mlp, nodeOrt, type TestNetwork } from "../scenarios/builds.ts";
import type { Feeds, Ort, Tensor } from "../hosts/ort.ts";
import { Trainer } from "./trainer.ts";
import type { TrainerOptions } from "./options.ts";

const open = (net: TestNetwork, options: TrainerOptions = {}, ort: Ort = nodeOrt) =>
  Trainer.create(ort, { model: net.model, loss: net.loss }, options);

async function losses(trainer: Trainer, net: TestNetwork, from: number, to: number) {
  const result: number[] = [];
  for (let step = from; step < to; step++) {
    result.push((await trainer.step(net.feeds(step))).loss);
  }
  return result;
}

async function allParameters(trainer: Trainer): Promise<number[]> {
  const list = await Promise.all(trainer.parameters.map((name) => trainer.parameter(name)));
  return list.flatMap((values) => [...values]);
}

Deno.test("A step is the gradient of differentiate() and a step of the core's optimizer", async () => {
  const net = mlp();
  for (const optimizer of [adamW({ learningRate: 0.01 }), signalSgd({ learningRate: 0.05 })]) {
    const trainer = await open(net, { optimizer });
    const { model, gradients, loss, parameters, values } = differentiate(net.model, {
      loss: net.loss,
    });
    const session = await nodeOrt.InferenceSession.create(writeModel(model));
    const byHand = createOptimizer(optimizer);
    const weights = new Map(
      parameters.map((name) => [name, (tensorData(values.get(name)!) as Float32Array).slice()]),
    );
    const dims = new Map(parameters.map((n) => [n, values.get(n)!.dims.map(Number)]));
    for (let step = 0; step < 15; step++) {
      const given = net.feeds(step);
      const feeds: Record<string, Tensor> = {};
      for (const [name, f] of Object.entries(given)) {
        const type = f.data instanceof BigInt64Array ? "int64" : "float32";
        feeds[name] = new nodeOrt.Tensor(type, f.data as Float32Array, f.dims);
      }
      for (const name of parameters) {
        feeds[name] = new nodeOrt.Tensor("float32", weights.get(name)!, dims.get(name)!);
      }
      const results = await session.run(feeds);
      byHand.step(Object.fromEntries(parameters.map((name) => [name, {
        weights: weights.get(name)!,
        gradient: results[gradients.get(name)!]!.data as Float32Array,
        shape: dims.get(name)!,
      }])));
      const { loss: actual } = await trainer.step(given);
      assertAllClose([actual], results[loss]!.data as Float32Array, {
        relative: 1e-5,
        absolute: 1e-6,
      });
    }
    for (const name of parameters) {
      assertAllClose(await trainer.parameter(name), weights.get(name)!, {
        relative: 1e-4,
        absolute: 1e-5,
      });
    }
    await session.release();
    await trainer.release();
  }
});

Deno.test("onnxruntime-web on wasm trains as onnxruntime-node does", async (t) => {
  const web = await import("onnxruntime-web") as unknown as Ort;
  const optimizers: Readonly<Record<string, Definition>> = {
    adamW: adamW({ learningRate: 1e-3 }),
    combined: chain(
      scaleBy(signalFraction()),
      scaleBy(inverseCurvature(gaussNewton({ every: 5 }), { damping: 1e-3 })),
      momentum(),
      learningRate(1e-3),
    ),
    naturalSnr: naturalSnr({ learningRate: 1e-3 }),
  };
  for (const net of [mlp(), cnn(), block()]) {
    for (const [name, optimizer] of Object.entries(optimizers)) {
      await t.step(`${net.name}, ${name}`, async () => {
        const [a, b] = [await open(net, { optimizer }), await open(net, { optimizer }, web)];
        assertAllClose(await losses(b, net, 0, 12), await losses(a, net, 0, 12), {
          relative: 1e-4,
          absolute: 1e-4,
        });
        await a.release();
        await b.release();
      });
    }
  }
});

Deno.test("k accumulated micro-batches of plain descent are one batch", async () => {
  const net = mlp();
  const whole = net.feeds(7);
  const part = (k: number): Feeds =>
    Object.fromEntries(
      Object.entries(whole).map(([name, { data, dims }]) => {
        const rest = dims.slice(1).reduce((a, b) => a * b, 1);
        const cut = (data as Float32Array).slice(k * 4 * rest, (k + 1) * 4 * rest);
        return [name, { data: cut, dims: [4, ...dims.slice(1)] }];
      }),
    );
  const optimizer = sgd({ learningRate: 0.5 });
  const [one, four] = [
    await open(net, { optimizer }),
    await open(net, { optimizer, accumulate: 4 }),
  ];
  await one.step(whole);
  for (let k = 0; k < 4; k++) {
    assert.equal(four.iteration, 0);
    await four.step(part(k));
  }
  assert.equal(four.iteration, 1);
  assertAllClose(await allParameters(four), await allParameters(one), { absolute: 1e-6 });
  await one.release();
  await four.release();
});

Deno.test("Per-example squares are micro-batches of one example", async () => {
  const net = mlp();
  const optimizer = chain(
    scaleBy(signalFraction({ from: "gradientSquares", decay: 0 })),
    learningRate(0.5),
  );
  const [squares, singles] = [
    await open(net, { optimizer }),
    await open(net, { optimizer, accumulate: 16 }),
  ];
  const whole = net.feeds(3);
  await squares.step(whole);
  for (let k = 0; k < 16; k++) {
    await singles.step(Object.fromEntries(
      Object.entries(whole).map(([name, { data, dims }]) => {
        const rest = dims.slice(1).reduce((a, b) => a * b, 1);
        const cut = (data as Float32Array).slice(k * rest, (k + 1) * rest);
        return [name, { data: cut, dims: [1, ...dims.slice(1)] }];
      }),
    ));
  }
  assertAllClose(await allParameters(squares), await allParameters(singles), {
    relative: 1e-4,
    absolute: 1e-5,
  });
  await squares.release();
  await singles.release();
});

Deno.test("Finite differences give the exact Hutchinson samples of a smooth network", async () => {
  const m = buildModel();
  const x = m.input("x", ["N", 3]);
  const w = m.parameter("w", [3, 2], Float32Array.of(0.4, -0.3, 0.2, 0.5, -0.6, 0.1));
  m.output(m.op("Tanh", [m.op("MatMul", [x, w])], {}, "y"));
  const source = { model: m.build(), loss: { type: "mse" } as const };
  const optimizer = diagonalNewton({
    curvatureWarmup: 1,
    stepClip: Infinity,
    curvature: hutchinson({ every: 1 }),
    learningRate: 0.1,
  });
  const feeds = {
    x: { data: Float32Array.of(1, 2, -1, 0.5, -0.5, 2), dims: [2, 3] },
    labels: { data: Float32Array.of(0, 1, 1, 0), dims: [2, 2] },
  };
  const exact = await Trainer.create(nodeOrt, source, { optimizer });
  const close = await Trainer.create(nodeOrt, source, {
    optimizer,
    hutchinson: "finiteDifferences",
    differenceStep: 1e-2,
  });
  for (let step = 0; step < 5; step++) {
    await exact.step(feeds);
    await close.step(feeds);
  }
  assertAllClose(await close.parameter("w"), await exact.parameter("w"), {
    relative: 5e-3,
    absolute: 5e-3,
  });
  // The gradient is that of the step, not of a shifted point.
  const gradient = await close.gradient("w");
  assert.ok(gradient.every(Number.isFinite) && gradient.some((g) => g !== 0));
  await exact.release();
  await close.release();
});

Deno.test("Samples of the caller are asked for when they are due", async () => {
  const net = mlp();
  const optimizer = diagonalNewton({
    curvatureWarmup: 1,
    stepClip: Infinity,
    curvature: userCurvature({ every: 2 }),
    learningRate: 0.1,
  });
  const trainer = await open(net, { optimizer });
  await assert.rejects(
    trainer.step(net.feeds(0)),
    /a curvature sample of "w1" is due: expected 48/,
  );
  const curvature: Record<string, Float32Array> = {};
  for (const name of trainer.parameters) {
    curvature[name] = new Float32Array((await trainer.parameter(name)).length).fill(1);
  }
  await trainer.step(net.feeds(0), { curvature });
  await trainer.step(net.feeds(1));
  await assert.rejects(trainer.step(net.feeds(2)), /is due/);
  assert.equal(trainer.iteration, 2);
  await trainer.release();
});

Deno.test("save(), load() and k steps are k steps, samples and all", async () => {
  const net = mlp();
  const optimizer = signalNewton({
    curvatureWarmup: 1,
    stepClip: Infinity,
    learningRate: 0.01,
    curvature: gaussNewton({ every: 3 }),
  });
  const trainer = await open(net, { optimizer, seed: 5 });
  await losses(trainer, net, 0, 7);
  const saved = await trainer.save();
  const expected = await losses(trainer, net, 7, 15);
  const parameters = await allParameters(trainer);
  trainer.load(saved);
  assert.deepEqual(await losses(trainer, net, 7, 15), expected);
  const other = await open(net, { optimizer, seed: 9 });
  other.load(saved);
  assert.deepEqual(await losses(other, net, 7, 15), expected);
  assert.deepEqual(await allParameters(other), parameters);
  await trainer.release();
  await other.release();
});

Deno.test("A file that does not fit is refused and changes nothing", async () => {
  const net = mlp();
  const trainer = await open(net, { optimizer: adamW() });
  await losses(trainer, net, 0, 3);
  const saved = await trainer.save();
  const before = await allParameters(trainer);
  const other = await open(cnn(), { optimizer: adamW() });
  const another = await open(net, { optimizer: sgd({ momentum: 0.9 }) });
  await losses(another, net, 0, 1);
  for (
    const bytes of [
      saved.slice(0, saved.length - 5),
      saved.slice(0, 40),
      new Uint8Array(100),
      await other.save(),
      await another.save(),
    ]
  ) {
    assert.throws(() => trainer.load(bytes), (error: unknown) => error instanceof Error);
    assert.deepEqual(await allParameters(trainer), before);
  }
  const next = await losses(trainer, net, 3, 6);
  trainer.load(saved);
  assert.deepEqual(await losses(trainer, net, 3, 6), next);
  for (const t of [trainer, other, another]) await t.release();
});

Deno.test("A loss that is not a number is an error and changes nothing", async () => {
  const net = mlp();
  const trainer = await open(net, { optimizer: adamW() });
  await losses(trainer, net, 0, 2);
  const saved = await trainer.save();
  const feeds = net.feeds(2);
  const bad = { ...feeds, x: { data: new Float32Array(96).fill(NaN), dims: [16, 6] } };
  await assert.rejects(trainer.step(bad), /the loss is NaN after 2 updates/);
  assert.deepEqual(await trainer.save(), saved);
  await trainer.release();
});

Deno.test("slot() and exportModel({ averaged }) have the averages that the optimizer keeps", async () => {
  const net = mlp();
  const trainer = await open(net, {
    optimizer: chain(learningRate(0.1), averageWeights({ decay: 0.5 })),
  });
  const [name] = trainer.parameters;
  const seen: Float32Array[] = [];
  for (let step = 0; step < 2; step++) {
    await trainer.step(net.feeds(step));
    seen.push(await trainer.parameter(name!));
  }
  // Weights (1 − β)β and (1 − β) over 1 − β²: 1/3 and 2/3.
  const expected = seen[0]!.map((first, i) => first / 3 + seen[1]![i]! * 2 / 3);
  const average = await trainer.slot(name!, "averageWeights.average");
  assertAllClose(average, expected, { relative: 1e-6, absolute: 1e-7 });
  const { graph } = readModel(await trainer.exportModel({ averaged: true }));
  const tensor = graph!.initializer.find((t) => t.name === name)!;
  assert.deepEqual(tensorData(tensor), average);
  await assert.rejects(
    trainer.slot(name!, "momentum.m"),
    /Cannot find slot "momentum.m" of .*: known are averageWeights.average/,
  );
  await assert.rejects(
    trainer.exportModel({ average: true } as never),
    /Cannot export the model: "average" is no option, did you mean averaged/,
  );
  await trainer.release();
  const plain = await open(net, { optimizer: adamW() });
  await plain.step(net.feeds(0));
  await assert.rejects(
    plain.exportModel({ averaged: true }),
    /Cannot export averages: the optimizer of ".*" keeps none/,
  );
  await plain.release();
});

Deno.test("A trainer tells the rows of a layer, by which a basis chooses its sides", async () => {
  const n = 80, length = 100;
  const m = buildModel();
  const w = m.parameter("w", [n, n], new Float32Array(n * n).fill(0.1));
  m.output(m.op("MatMul", [m.input("x", ["N", "T", n]), w]));
  const source = { model: m.build(), loss: { type: "mse" } } as const;
  // 80 is at most half of 2 · 100 rows, and not of 2 or of 2 · 2.
  for (
    const [positions, accumulate, rotated] of [[length, 1, true], [1, 1, false], [1, 2, false]]
  ) {
    const trainer = await Trainer.create(nodeOrt, source, {
      optimizer: combined(),
      accumulate: accumulate as number,
    });
    const dims = [2, positions as number, n];
    const data = new Float32Array(2 * (positions as number) * n).fill(1);
    for (let k = 0; k < (accumulate as number); k++) {
      await trainer.step({ x: { data, dims }, labels: { data, dims } });
    }
    const basis = trainer.slot("w", "basis.left");
    if (rotated) assert.equal((await basis).length, n * n);
    else await assert.rejects(basis, /Cannot find slot "basis.left"/);
    await trainer.release();
  }
});

Deno.test("Evaluation, prediction and the exported model agree", async () => {
  const net = mlp();
  const trainer = await open(net, {
    optimizer: adamW({ learningRate: 0.05 }),
    outputs: ["logits"],
  });
  const outcome = await trainer.step(net.feeds(0));
  assert.deepEqual(Object.keys(outcome).sort(), ["logits", "loss", "outputs"]);
  const feeds = net.feeds(1);
  const evaluated = await trainer.evaluate(feeds);
  const { logits } = await trainer.predict({ x: feeds["x"]! });
  const session = await nodeOrt.InferenceSession.create(await trainer.exportModel());
  const exported = await session.run({
    x: new nodeOrt.Tensor("float32", feeds["x"]!.data as Float32Array, [16, 6]),
  });
  assert.deepEqual((evaluated["logits"] as Tensor).data, logits!.data);
  assert.deepEqual(exported["logits"]!.data, logits!.data);
  // The loss from the logits, by hand.
  const z = logits!.data as Float32Array;
  const labels = feeds["labels"]!.data as BigInt64Array;
  let sum = 0;
  for (let i = 0; i < 16; i++) {
    const row = z.subarray(3 * i, 3 * i + 3);
    sum += Math.log(row.reduce((s, v) => s + Math.exp(v), 0)) - row[Number(labels[i])]!;
  }
  assertAllClose([evaluated.loss], [sum / 16], { relative: 1e-5 });
  await session.release();
  await trainer.release();
});

Deno.test("A gradient among the outputs of a step is the caller's", async () => {
  const m = buildModel();
  const w = m.parameter("w", [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  m.output(m.op("MatMul", [m.input("x", [2, 3]), w], {}, "y"));
  const source = { model: m.build(), loss: { type: "mse" } } as const;
  const trainer = await Trainer.create(nodeOrt, source, { outputs: ["w_grad"] });
  const batch = (value: number) => ({
    x: { data: new Float32Array(6).fill(value), dims: [2, 3] },
    labels: { data: new Float32Array(4).fill(2), dims: [2, 2] },
  });
  const step = async (value: number) => (await trainer.step(batch(value)))["w_grad"] as Tensor;
  const first = await step(1);
  // 2 (y − 2) x / 4 over two examples, y = 9 and 12.
  const expected = [7, 10, 7, 10, 7, 10];
  assert.deepEqual([...first.data as Float32Array], expected);
  assert.deepEqual([...await trainer.gradient("w")], expected);
  (first.data as Float32Array).fill(123);
  assert.deepEqual([...await trainer.gradient("w")], expected);
  await step(3);
  assert.deepEqual([...first.data as Float32Array], new Array(6).fill(123));
  await trainer.release();
});

Deno.test("In training mode running statistics move, and evaluation uses them", async () => {
  const m = buildModel();
  const x = m.input("x", ["N", 2]);
  const one = () => Float32Array.of(1, 1);
  const y = m.op("BatchNormalization", [
    x,
    m.parameter("scale", [2], one()),
    m.parameter("bias", [2], new Float32Array(2)),
    m.parameter("mean", [2], new Float32Array(2)),
    m.parameter("variance", [2], one()),
  ]);
  m.output(m.op("Identity", [y], {}, "y"));
  const source = { model: m.build(), loss: { type: "mse" } as const };
  const trainer = await Trainer.create(nodeOrt, source, {
    optimizer: sgd({ learningRate: 0 }),
    training: true,
  });
  const feeds = {
    x: { data: Float32Array.of(1, 2, 3, 6), dims: [2, 2] },
    labels: { data: new Float32Array(4), dims: [2, 2] },
  };
  await trainer.step(feeds);
  // momentum .9: mean .1·(2, 4), variance .9 + .1·(1, 4)
  const { y: predicted } = await trainer.predict({ x: feeds.x });
  const expected = [1, 2, 3, 6].map((v, i) =>
    (v - [0.2, 0.4][i % 2]!) / Math.sqrt([1, 1.3][i % 2]! + 1e-5)
  );
  assertAllClose(predicted!.data as Float32Array, expected, { relative: 1e-5 });
  const saved = await trainer.save();
  await trainer.step(feeds);
  const moved = (await trainer.predict({ x: feeds.x }))["y"]!.data;
  assert.notDeepEqual(moved, predicted!.data);
  trainer.load(saved);
  assert.deepEqual((await trainer.predict({ x: feeds.x }))["y"]!.data, predicted!.data);
  await trainer.release();
});

Deno.test("fit() goes over the batches, reports, and stops when asked", async () => {
  const net = mlp();
  const batches = [0, 1, 2].map((step) => net.feeds(step));
  const [fitted, stepped] = [await open(net), await open(net)];
  const seen: number[] = [];
  const progress = await fitted.fit(batches, {
    epochs: 2,
    onStep: ({ loss }) => void seen.push(loss),
  });
  const expected: number[] = [];
  for (let k = 0; k < 6; k++) expected.push((await stepped.step(batches[k % 3]!)).loss);
  assert.deepEqual(seen, expected);
  assert.equal(progress!.epoch, 1);
  assertAllClose([progress!.meanLoss], [(expected[3]! + expected[4]! + expected[5]!) / 3]);
  const abort = new AbortController();
  await fitted.fit(batches, { signal: abort.signal, onStep: () => abort.abort() });
  assert.equal(fitted.iteration, 7);
  await assert.rejects(fitted.fit([]), /epoch 0 has no batches/);
  await assert.rejects(
    fitted.fit(batches.values(), { epochs: 2 }),
    /an iterator runs out after one epoch/,
  );
  await fitted.release();
  await stepped.release();
});

Deno.test("The learning rate can be read, set and given back", async () => {
  const net = mlp();
  const trainer = await open(net, { optimizer: chain(momentum(), learningRate(0.1)) });
  const before = await allParameters(trainer);
  trainer.learningRate = 0;
  await trainer.step(net.feeds(0));
  assert.deepEqual(await allParameters(trainer), before);
  trainer.learningRate = undefined;
  await trainer.step(net.feeds(0));
  assert.notDeepEqual(await allParameters(trainer), before);
  await trainer.release();
});

Deno.test("Wrong feeds are refused by name, with what was expected", async (t) => {
  const net = mlp();
  const trainer = await open(net);
  const good = net.feeds(0);
  const wrong: Readonly<Record<string, [Feeds, RegExp]>> = {
    "missing labels": [{ x: good["x"]! }, /missing "labels", given is "x"/],
    "an unknown name": [{ ...good, z: good["x"]! }, /the graph has no input "z"/],
    "a rank": [
      { ...good, x: { data: new Float32Array(6), dims: [6] } },
      /"x" must have shape \[N,6\], given is \[6\]/,
    ],
    "a size": [
      { ...good, x: { data: new Float32Array(80), dims: [16, 5] } },
      /"x" must have shape \[N,6\], given is \[16,5\]/,
    ],
    "a type": [
      { ...good, labels: { data: new Float32Array(16), dims: [16] } },
      /"labels" must have type int64, given is float32/,
    ],
    "batches that differ": [
      { ...good, labels: { data: new BigInt64Array(4), dims: [4] } },
      /must have size 16 along axis 0, as "x" has/,
    ],
    "too few elements": [
      { ...good, x: { data: new Float32Array(90), dims: [16, 6] } },
      /must have 96 elements for \[16,6\], given are 90/,
    ],
  };
  const before = await allParameters(trainer);
  for (const [name, [feeds, message]] of Object.entries(wrong)) {
    await t.step(name, () => assert.rejects(trainer.step(feeds), message));
  }
  assert.deepEqual(await allParameters(trainer), before);
  await trainer.release();
});

Deno.test("A scalar is trained if it is named, or listed by the artifacts", async () => {
  const m = buildModel();
  const [x, w] = [m.input("x", ["N", 2]), m.parameter("w", [2, 1], Float32Array.of(1, 2))];
  const t = m.parameter("t", [], Float32Array.of(3));
  m.output(m.op("Mul", [m.op("MatMul", [x, w]), t], {}, "y"));
  const [model, loss] = [m.build(), { type: "mse" } as const];
  const trainable = ["w", "t"];
  const { training, checkpoint } = generateArtifacts(model, { loss, trainable });
  for (
    const [source, options, expected] of [
      [{ model, loss }, {}, ["w"]],
      [{ model, loss }, { trainable }, trainable],
      [{ training, checkpoint }, {}, trainable],
    ] as const
  ) {
    const trainer = await Trainer.create(nodeOrt, source, options);
    assert.deepEqual(trainer.parameters, expected);
    await trainer.release();
  }
});

Deno.test("What cannot be trained is refused when the trainer is made", async () => {
  const m = buildModel();
  const x = m.input("x", ["N", 2]);
  m.output(m.op("Relu", [x], {}, "y"));
  const source = { model: m.build(), loss: { type: "mse" } as const };
  await assert.rejects(Trainer.create(nodeOrt, source), /no trainable float initializer/);
  await assert.rejects(
    Trainer.create(nodeOrt, { model: mlp().model }),
    /give either a loss or the name of the output/,
  );
  await assert.rejects(open(mlp(), { accumulate: 0 }), /accumulate must be a positive integer/);
});

Deno.test("release() waits for the step that runs; afterwards nothing does", async () => {
  const net = mlp();
  const trainer = await open(net);
  const running = trainer.step(net.feeds(0));
  const released = trainer.release();
  const late = trainer.step(net.feeds(1));
  assert.ok((await running).loss > 0);
  await released;
  await assert.rejects(late, /it is released/);
  await assert.rejects(trainer.evaluate(net.feeds(0)), /it is released/);
});

Deno.test("5,000 steps on node CPU and wasm leave the memory as it was", async (t) => {
  const script = fileURLToPath(new URL("../scenarios/memory.ts", import.meta.url));
  for (const build of ["node", "wasm"]) {
    await t.step(build, async () => {
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", script, build],
      }).output();
      const decoder = new TextDecoder();
      assert.ok(success, decoder.decode(stderr));
      const grown = Number(decoder.decode(stdout).trim().split("\n").at(-1));
      // A leak of the tensors of a step, some 10 KB, would be 40 MB.
      assert.ok(grown < 32 * 2 ** 20, `${grown} bytes more after 4,000 steps`);
    });
  }
});
