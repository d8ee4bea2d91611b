/**
 * A tfjs layers model, trained by `tf.train.adam` with four learning rates and by
 * `precond(snrOnly())`, which needs none to be chosen; the last is then saved with its optimizer,
 * loaded and trained on.
 *
 * On data as easy as this an Adam whose rate was searched for comes close.
 *
 * Run: deno run -A examples/tfjs/main.ts
 */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-wasm";
import * as layers from "@tensorflow/tfjs-layers";
import { precond, snrOnly } from "@precond/tfjs";

await tf.setBackend("wasm");

/** Points of eight dimensions; the label is the largest of the first three. */
function makeSet(size: number, seed: number) {
  const x = tf.randomNormal([size, 8], 0, 1, "float32", seed);
  const y = tf.tidy(() => {
    const label = tf.argMax(tf.slice(x, [0, 0], [size, 3]), 1) as tf.Tensor1D;
    return tf.cast(tf.oneHot(label, 3), "float32");
  });
  return { x, y };
}
const train = makeSet(500, 1), test = makeSet(2000, 10);

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

const optimizers: Record<string, tf.Optimizer> = {
  "tf.train.adam(0.001)": tf.train.adam(0.001), // what "adam" means
  "tf.train.adam(0.003)": tf.train.adam(0.003),
  "tf.train.adam(0.01)": tf.train.adam(0.01),
  "tf.train.adam(0.03)": tf.train.adam(0.03),
  "precond(snrOnly())": precond(snrOnly()),
};

// Every optimizer gets the same batches, also after loading.
const fit = { epochs: 10, batchSize: 16, verbose: 0, shuffle: false } as const;
function report(name: string, model: layers.LayersModel) {
  const [loss, accuracy] = model.evaluate(test.x, test.y) as tf.Scalar[];
  const numbers = [loss!, accuracy!].map((t) => t.dataSync()[0]!.toFixed(6));
  console.log(`${name}: test loss ${numbers[0]}, accuracy ${numbers[1]}`);
}

let model = makeModel();
for (const [name, optimizer] of Object.entries(optimizers)) {
  model = makeModel();
  model.compile({ optimizer, loss: "categoricalCrossentropy", metrics: ["accuracy"] });
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

// The loaded one takes the very steps of the one that was not interrupted.
for (const [name, each] of Object.entries({ "trained on": model, "loaded, trained on": loaded })) {
  await each.fit(train.x, train.y, { ...fit, epochs: 2 });
  report(`precond(snrOnly()), ${name}`, each);
}
