// Small batches, other choices of parameters, outputs called as results are, creation that fails.
import {
  adam,
  chain,
  empiricalFisher,
  gaussNewton,
  inverseCurvature,
  learningRate,
  naturalSnr,
  scaleBy,
  sgd,
  signalFraction,
} from "@precond/core";
import { buildModel, type ModelProto } from "@precond/onnx";
import { NotLoaded } from "@precond/onnx/on_demand";
import assert from "node:assert/strict";
import { mlp, nodeOrt } from "../scenarios/builds.ts";
import type { Feeds, Ort } from "../hosts/ort.ts";
import { Trainer } from "./trainer.ts";

const linear = () => {
  const m = buildModel();
  const w = m.parameter("w", [4, 3], new Float32Array(12));
  m.output(m.op("MatMul", [m.input("x", ["N", 4]), w], {}, "logits"));
  return m.build();
};
const batch = (n: number): Feeds => ({
  x: { data: Float32Array.from({ length: 4 * n }, (_, i) => Math.sin(7 * i + n)), dims: [n, 4] },
  labels: { data: BigInt64Array.from({ length: n }, (_, i) => BigInt(i % 3)), dims: [n] },
});

Deno.test("A batch of one trains, and brings nothing about noise", async (t) => {
  const optimizers = {
    snr: () => chain(scaleBy(signalFraction({ from: "gradientSquares" })), learningRate(0.1)),
    naturalSnr: () => naturalSnr({ curvature: gaussNewton({ every: 2 }) }),
  };
  for (const [name, make] of Object.entries(optimizers)) {
    for (const sizes of [[8, 8, 1], [1, 8], [1, 1]]) {
      await t.step(`${name}, ${sizes}`, async () => {
        const source = { model: linear(), loss: { type: "crossEntropy" } } as const;
        const trainer = await Trainer.create(nodeOrt, source, { optimizer: make() });
        await trainer.fit(sizes.map(batch), { epochs: 2 });
        assert.equal(trainer.iteration, 2 * sizes.length);
        await trainer.release();
      });
    }
  }
});

/** Two layers. */
function layers(body = 0.1) {
  const m = buildModel();
  const w = m.parameter("body.w", [4, 5], new Float32Array(20).fill(body));
  const h = m.op("Tanh", [m.op("MatMul", [m.input("x", ["N", 4]), w])]);
  const head = m.parameter("head.w", [5, 3], new Float32Array(15).fill(0.1));
  m.output(m.op("MatMul", [h, head], {}, "y"));
  return { model: m.build(), loss: { type: "mse" } } as const;
}
const ones: Feeds = {
  x: { data: new Float32Array(4).fill(1), dims: [1, 4] },
  labels: { data: new Float32Array(3), dims: [1, 3] },
};
const yOf = async (trainer: Trainer) => [
  ...(await trainer.predict({ x: ones["x"]! }))["y"]!.data as Float32Array,
];

Deno.test("Training goes on with other parameters of the same model, both ways", async (t) => {
  for (const format of ["safetensors", "checkpoint"] as const) {
    await t.step(format, async () => {
      const open = (trainable?: string[], source = layers()) =>
        Trainer.create(nodeOrt, source, {
          optimizer: adam({ learningRate: 0.1 }),
          ...(trainable === undefined ? {} : { trainable }),
        });
      const head = await open(["head.w"]);
      for (let k = 0; k < 3; k++) await head.step(ones);
      const all = await open();
      await all.step(ones);
      all.load(await head.save({ format }));
      assert.deepEqual(await all.parameter("head.w"), await head.parameter("head.w"));
      assert.deepEqual(await all.parameter("body.w"), new Float32Array(20).fill(Math.fround(0.1)));
      assert.deepEqual(await yOf(all), await yOf(head));
      for (let k = 0; k < 3; k++) await all.step(ones);

      // The body has moved; where it is not trained, it is frozen at the file's values.
      const later = await open(["head.w"]);
      later.load(await all.save({ format }));
      assert.deepEqual(await yOf(later), await yOf(all));
      assert.deepEqual(await later.parameter("body.w"), await all.parameter("body.w"));
      await later.step(ones);
      assert.deepEqual(await later.parameter("body.w"), await all.parameter("body.w"));
      const last = await open();
      last.load(await later.save({ format }));
      assert.deepEqual(await yOf(last), await yOf(later));

      // Another model has parameters of the same names, and others.
      const m = buildModel();
      const stranger = m.parameter("head.w", [5, 3], new Float32Array(15));
      m.output(m.op("MatMul", [m.input("x", ["N", 5]), stranger], {}, "y"));
      const other = await open(undefined, { model: m.build(), loss: { type: "mse" } });
      const file = await all.save({ format });
      assert.throws(() => other.load(file), /"body.w" of shape \[4,5\], the model has none/);
      for (const trainer of [head, all, later, last, other]) await trainer.release();
    });
  }
});

Deno.test("A rate set by hand is in the file", async () => {
  const [a, b] = [await Trainer.create(nodeOrt, layers()), await Trainer.create(nodeOrt, layers())];
  a.learningRate = 0.25;
  await a.step(ones);
  b.load(await a.save());
  assert.equal(b.learningRate, 0.25);
  await a.release();
  await b.release();
});

Deno.test('An output that is called "loss" is kept', async () => {
  const m = buildModel();
  const w = m.parameter("w", [1], Float32Array.of(2));
  m.output(m.op("Mul", [m.input("x", ["N", 1]), w], {}, "loss"));
  const source = { model: m.build(), loss: { type: "mse" } } as const;
  const trainer = await Trainer.create(nodeOrt, source, {
    outputs: ["loss"],
    optimizer: sgd({ learningRate: 0 }),
  });
  const feeds = {
    x: { data: Float32Array.of(3), dims: [1, 1] },
    labels: { data: Float32Array.of(1), dims: [1, 1] },
  };
  for (const call of ["step", "evaluate"] as const) {
    const { loss, outputs } = await trainer[call](feeds);
    assert.equal(loss, 25);
    assert.deepEqual([...outputs["loss"]!.data as Float32Array], [6]);
  }
  await trainer.release();
});

Deno.test("The order of a model's inputs has no part in what is learnt", async () => {
  /** `y = x w + z`, sequences first: x [T, N, 2], z [N, 1]. */
  const model = (order: readonly ("x" | "z")[]): ModelProto => {
    const m = buildModel();
    const shapes = { x: ["T", "N", 2], z: ["N", 1] } as const;
    for (const name of order) m.input(name, [...shapes[name]]);
    const w = m.parameter("w", [2, 1], Float32Array.of(0.5, -0.5));
    m.output(m.op("Add", [m.op("MatMul", ["x", w]), "z"], {}, "y"));
    return m.build();
  };
  const numbers = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i + n));
  const feeds: Feeds = {
    x: { data: numbers(2 * 5 * 2), dims: [2, 5, 2] },
    z: { data: numbers(5), dims: [5, 1] },
    labels: { data: numbers(10), dims: [2, 5, 1] },
  };
  const found = [];
  for (const order of [["x", "z"], ["z", "x"]] as const) {
    // B ĝ², by the number of examples: N = 5, not T = 2.
    const curvature = empiricalFisher();
    const optimizer = chain(scaleBy(inverseCurvature(curvature, { damping: 0 })), learningRate(1));
    const source = { model: model(order), loss: { type: "mse" } } as const;
    const trainer = await Trainer.create(nodeOrt, source, { optimizer });
    await trainer.step(feeds);
    const gradient = await trainer.gradient("w");
    const moved = (await trainer.parameter("w")).map((w, i) => [0.5, -0.5][i]! - w);
    // g / (B g²)
    moved.forEach((d, i) => assert.ok(Math.abs(d * 5 * gradient[i]! - 1) < 1e-4, `${d}`));
    found.push([...await trainer.parameter("w")]);
    await trainer.release();
  }
  assert.deepEqual(found[0], found[1]);
});

Deno.test("Creation that fails closes every session that it opened", async () => {
  let open = 0;
  const watched: Ort = {
    ...nodeOrt,
    InferenceSession: {
      async create(model, options) {
        const session = await nodeOrt.InferenceSession.create(model, options);
        open++;
        const release = session.release.bind(session);
        session.release = () => (open--, release());
        return session;
      },
    },
  };
  const m = buildModel();
  const w = m.parameter("w", [2], Float32Array.of(1, 2));
  const y = m.op("Mul", [m.input("x", ["N", 2]), w], {}, "y");
  m.output(y);
  const model = m.build();
  // Beside the way to the loss: nobody differentiates it, and ONNX Runtime does not know it.
  const node = model.graph!.node[0]!;
  model.graph!.node.push({
    ...node,
    name: "n",
    opType: "Unknown",
    input: ["x"],
    output: ["extra"],
  });
  model.graph!.output.push({ ...model.graph!.output[0]!, name: "extra" });
  await assert.rejects(
    Trainer.create(watched, { model, loss: { type: "mse", prediction: "y" } }, {
      outputs: ["extra"],
    }),
    /^Error: Cannot create a trainer: ONNX Runtime does not take the training graph: .*Unknown/s,
  );
  assert.equal(open, 0);
});

Deno.test("release() twice is nothing, and a trainer is disposed of at the end of its block", async () => {
  const net = mlp();
  const trainer = await Trainer.create(nodeOrt, net);
  {
    await using own = trainer;
    await own.step(net.feeds(0));
  }
  await assert.rejects(trainer.step(net.feeds(0)), /it is released$/);
  await Promise.all([trainer.release(), trainer.release()]);
});

Deno.test("A model may give back what it is fed, and what it stores", async () => {
  const m = buildModel();
  const w = m.parameter("w", [2], Float32Array.of(3, 4));
  m.output(m.op("Mul", [m.input("x", [2, 2]), w], {}, "y"));
  const model = m.build();
  const { input, output } = model.graph!;
  output.push(input[0]!, { ...output[0]!, name: "w", type: undefined });
  const trainer = await Trainer.create(nodeOrt, { model, loss: { type: "mse" } }, {
    optimizer: sgd({ learningRate: 0.1 }),
  });
  const x = { data: Float32Array.of(1, 2, 3, 4), dims: [2, 2] };
  // y = [[3, 8], [9, 16]], ∂w = ½ [3 + 27, 16 + 64]
  await trainer.step({ x, labels: { data: new Float32Array(4), dims: [2, 2] } });
  assert.deepEqual([...await trainer.gradient("w")], [15, 40]);
  const given = await trainer.predict({ x });
  assert.deepEqual([...given.x!.data as Float32Array], [1, 2, 3, 4]);
  assert.deepEqual([...given.w!.data as Float32Array], [1.5, 0]);
  const session = await nodeOrt.InferenceSession.create(await trainer.exportModel());
  const run = await session.run({ x: new nodeOrt.Tensor("float32", x.data, x.dims) });
  assert.deepEqual([...run.w!.data as Float32Array], [1.5, 0]);
  await session.release();
  await trainer.release();
});

Deno.test("Sizes that have numbers are those that batches have, and no others can be given", async () => {
  const source = { model: linear(), loss: { type: "crossEntropy" } } as const;
  await assert.rejects(Trainer.create(nodeOrt, source, { sizes: { M: 3 } }), {
    name: "TypeError",
    message: 'Cannot create a trainer: no size of the model is called "M", only N',
  });
  const trainer = await Trainer.create(nodeOrt, source, { sizes: { N: 3 } });
  await assert.rejects(
    trainer.step(batch(2)),
    /Cannot step: "x" must have shape \[3,4\], given is \[2,4\]/,
  );
  await assert.rejects(trainer.predict({ x: batch(2).x! }), /must have shape \[3,4\]/);
  await trainer.step(batch(3));
  await trainer.release();
});

Deno.test("A state whose graphs need code that is not loaded is refused with the way to load it", async () => {
  const source = () => {
    const m = buildModel();
    const h = m.op("MatMul", [
      m.input("x", ["N", 4]),
      m.parameter("a", [4, 4], new Float32Array(16)),
    ]);
    m.output(m.op("MatMul", [h, m.parameter("b", [4, 3], new Float32Array(12))], {}, "logits"));
    return { model: m.build(), loss: { type: "crossEntropy" } } as const;
  };
  const saving = await Trainer.create(nodeOrt, source());
  saving.setParameter("a", new Float32Array(16).fill(1));
  const file = await saving.save();
  let late = false;
  const trainer = await Trainer.create(nodeOrt, source(), {
    trainable: (name) => {
      if (late) throw new NotLoaded("a rule is", () => Promise.resolve());
      return name === "b";
    },
  });
  late = true;
  assert.throws(() => trainer.load(file), {
    name: "TypeError",
    message: /other values of "a", .* create the trainer with \{ frozen: \["a"\] \}/,
  });
  late = false;
  trainer.load(file);
  assert.deepEqual(await trainer.parameter("a"), new Float32Array(16).fill(1));
  await trainer.release();
  await saving.release();
});

Deno.test("A loss that is no number because no label counts says so", async () => {
  const loss = { type: "crossEntropy", ignoreIndex: -100 } as const;
  const trainer = await Trainer.create(nodeOrt, { model: linear(), loss });
  const labels = { data: BigInt64Array.of(-100n, -100n), dims: [2] };
  await assert.rejects(
    trainer.step({ ...batch(2), labels }),
    /the loss is NaN after 0 updates; .*; no label of "labels" counts$/,
  );
  await trainer.release();
});
