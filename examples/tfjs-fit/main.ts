/**
 * The classifier of the tfjs MNIST tutorial, trained with model.fit(): as tutorials write it, with
 * `"adam"`, and with the two lines changed that are marked with (1) and (2).
 *
 * So that the comparison is fair, tf.train.adam also runs with other learning rates, and the best of
 * them is chosen on validation data. The images are made in digits.ts. Batches are shuffled at
 * random, so numbers vary a little from run to run; docs/which_optimizer.md has what was measured
 * with care. With the default rate of 0.001 adam is far from done after these few epochs; with the best
 * of four it is as good as combined(), for which none was chosen, or better.
 *
 * The layers are dense, so that wasm trains them as it is; with convolutions add
 * `import "@precond/tfjs/wasm_training"`.
 *
 * Run: deno run -A examples/tfjs-fit/main.ts
 */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-wasm";
import * as layers from "@tensorflow/tfjs-layers";
import { combined, precond } from "@precond/tfjs"; // (1)
import { type Digits, makeDigits, side } from "./digits.ts";

await tf.setBackend("wasm");

const train = makeDigits(1000, { seed: 1 });
const validation = makeDigits(500, { seed: 77 });
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

async function fit(optimizer: tf.Optimizer | "adam"): Promise<layers.Sequential> {
  const model = createModel();
  model.compile({ optimizer, loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  await model.fit(train.images, train.labels, { epochs: 8, batchSize: 32, verbose: 0 });
  return model;
}

function evaluate(model: layers.Sequential, { images, labels }: Digits): [number, number] {
  const results = model.evaluate(images, labels) as tf.Scalar[];
  const [loss, accuracy] = results.map((t) => t.dataSync()[0]!);
  tf.dispose(results);
  return [loss!, accuracy!];
}

/** Prints how well a model does, and returns its loss on validation data. */
function report(name: string, model: layers.Sequential): number {
  const [[loss, accuracy], [known]] = [evaluate(model, test), evaluate(model, validation)];
  console.log(
    `${name}: test loss ${loss.toFixed(3)}, accuracy ${accuracy.toFixed(3)}, ` +
      `validation loss ${known.toFixed(3)}`,
  );
  return known;
}

const found = new Map<number, number>();
found.set(0.001, report('"adam"', await fit("adam"))); // its learning rate is 0.001
for (const rate of [0.003, 0.01, 0.03]) {
  found.set(rate, report(`tf.train.adam(${rate})`, await fit(tf.train.adam(rate))));
}
const [best] = [...found].reduce((a, b) => b[1] < a[1] ? b : a);
console.log(`on validation data adam is best with a learning rate of ${best}`);

const optimizer = precond(combined()); // (2) in place of "adam"
report("precond(combined())", await fit(optimizer));

// Besides, the state is a file; load() goes on from it.
const saved = await optimizer.save();
console.log(`precond: ${optimizer.iterations} steps, ${saved.length} bytes of state`);
