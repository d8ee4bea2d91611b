/**
 * A tfjs layers model with noisy labels, trained by `tf.train.adam` and by a preconditioned chain;
 * the second is then saved with its optimizer, loaded and trained on.
 *
 * Run: deno run -A examples/tfjs/main.ts
 */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-wasm";
import * as layers from "@tensorflow/tfjs-layers";
import { chain, inverseRms, learningRate, precond, scaleBy, signalFraction } from "@precond/tfjs";

await tf.setBackend("wasm");

// Which of three quadrant-like regions is a point in? A quarter of the training labels is wrong.
function makeSet(size: number, noise: number, seed: number) {
  const x = tf.randomNormal([size, 8], 0, 1, "float32", seed);
  const y = tf.tidy(() => {
    const truth = tf.argMax(tf.slice(x, [0, 0], [size, 3]), 1);
    const random = tf.cast(tf.floor(tf.randomUniform([size], 0, 3, "float32", seed + 1)), "int32");
    const wrong = tf.less(tf.randomUniform([size], 0, 1, "float32", seed + 2), noise);
    return tf.cast(tf.oneHot(tf.where(wrong, random, truth) as tf.Tensor1D, 3), "float32");
  });
  return { x, y };
}
const train = makeSet(300, 0.25, 1), test = makeSet(2000, 0, 10);

function makeModel(): layers.Sequential {
  const { dense } = layers.layers;
  const kernelInitializer = layers.initializers.glorotUniform({ seed: 3 });
  return layers.sequential({
    layers: [
      dense({ units: 64, activation: "relu", inputShape: [8], kernelInitializer }),
      dense({ units: 3, activation: "softmax", kernelInitializer }),
    ],
  });
}

// Adam's denominator, then T in place of the momentum: what is mostly noise is held back. Each
// method has the learning rate, of 0.003, 0.01 and 0.03, that suits it best.
const definition = chain(
  scaleBy(inverseRms({ decay: 0.999, epsilon: 1e-7 })),
  scaleBy(signalFraction({ decay: 0.99 })),
  learningRate(0.01),
);
const optimizers = {
  "tf.train.adam": tf.train.adam(0.003, 0.9, 0.999, 1e-7),
  "precond": precond(definition),
};

const fit = { epochs: 40, batchSize: 16, verbose: 0, shuffle: true } as const;
const compiled = { loss: "categoricalCrossentropy", metrics: ["accuracy"] };
function report(name: string, model: layers.LayersModel) {
  const [loss, accuracy] = model.evaluate(test.x, test.y) as tf.Scalar[];
  const numbers = [loss!, accuracy!].map((t) => t.dataSync()[0]!.toFixed(3));
  console.log(`${name}: test loss ${numbers[0]}, accuracy ${numbers[1]}`);
}

let model = makeModel();
for (const [name, optimizer] of Object.entries(optimizers)) {
  model = makeModel();
  model.compile({ ...compiled, optimizer });
  await model.fit(train.x, train.y, fit);
  report(name, model);
}

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
const loaded = await layers.loadLayersModel(tf.io.fromMemory(artifacts!));
await loaded.fit(train.x, train.y, { ...fit, epochs: 5 });
report("precond, loaded and trained on", loaded);
