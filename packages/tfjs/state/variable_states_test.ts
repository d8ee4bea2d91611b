import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import { softmaxModel, threeClasses } from "../_testing.ts";
import {
  adam,
  evidenceLoss,
  gaussNewton,
  precond,
  type PrecondOptimizer,
  signalNewton,
  withEvidence,
} from "../mod.ts";

const fitOptions = { epochs: 1, batchSize: 8, shuffle: false, verbose: 0 } as const;
const both = (every: number) =>
  signalNewton({
    curvatureWarmup: 1,
    stepClip: Infinity,
    learningRate: 0.05,
    curvature: gaussNewton({ every }),
    from: "gradientSquares",
  });

interface Compiled {
  readonly model: layers.Sequential;
  readonly optimizer: PrecondOptimizer;
}

Deno.test("model.save(), load, withEvidence() and k steps are k steps", async () => {
  await tf.setBackend("cpu");
  const { x, y } = threeClasses(24);
  const sparse = tf.tidy(() => tf.cast(tf.argMax(y, 1), "float32"));
  const model = softmaxModel(true);
  model.compile({
    optimizer: precond(both(4), { gradientSquares: { every: 2 }, seed: 3 }),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  withEvidence(withEvidence(model));
  await model.fit(x, sparse, fitOptions);
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler((a) => {
      artifacts = a;
      return Promise.resolve({
        modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" },
      });
    }),
    { includeOptimizer: true },
  );
  const loaded = withEvidence(await layers.loadLayersModel(tf.io.fromMemory(artifacts!)));
  const results = [];
  for (const m of [model, loaded]) {
    const { history } = await m.fit(x, sparse, { ...fitOptions, epochs: 3 });
    results.push([history, m.getWeights().map((w) => [...w.dataSync()])]);
    assert.equal((m.optimizer as PrecondOptimizer).iterations, 12);
  }
  assert.deepEqual(results[1], results[0]);
});

Deno.test("a safetensors file resumes evidence exactly under evidenceLoss()", async () => {
  await tf.setBackend("wasm");
  const { x, y } = threeClasses(24);
  const [one, two] = [1, 2].map(() => {
    const [model, optimizer] = [softmaxModel(), precond(both(4))];
    model.compile({ optimizer, loss: evidenceLoss("categoricalCrossentropy") });
    return { model, optimizer };
  }) as [Compiled, Compiled];
  await one.model.fit(x, y, fitOptions);
  two.model.setWeights(one.model.getWeights());
  two.optimizer.load(await one.optimizer.save());
  const losses = async ({ model }: Compiled) => (await model.fit(x, y, fitOptions)).history.loss;
  assert.deepEqual(await losses(two), await losses(one));
});

Deno.test("a restored state waits for a variable that takes part in a later step only", async () => {
  await tf.setBackend("cpu");
  const make = (suffix: string) =>
    ["first", "second"].map((n) => tf.variable(tf.scalar(1), true, `waiting_${n}${suffix}`));
  const step = (optimizer: PrecondOptimizer, v: tf.Variable) =>
    optimizer.minimize(() => tf.square(v) as tf.Scalar, false, [v]);
  const [a, b] = make("") as [tf.Variable, tf.Variable];
  const one = precond(adam());
  for (let i = 0; i < 5; i++) {
    step(one, a);
    step(one, b);
  }
  const [c, d] = make("_1") as [tf.Variable, tf.Variable];
  const two = precond(adam());
  two.load(await one.save());
  step(two, c);
  step(two, d);
  const saved = await two.getWeights();
  const text = saved.find(({ name }) => name === "precond/state")!.tensor.dataSync();
  const { parameters } = JSON.parse(new TextDecoder().decode(Uint8Array.from(text)));
  const steps = Object.values(parameters as Record<string, { step: number }>).map((p) => p.step);
  assert.deepEqual(steps, [6, 6]);
  tf.dispose([a, b, c, d, saved.map(({ tensor }) => tensor)]);
});
