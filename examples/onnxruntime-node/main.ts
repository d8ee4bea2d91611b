/**
 * Trains an ONNX model with onnxruntime-node: no Python, no artifacts. The model is built here; the
 * bytes of a file, `await readFile("model.onnx")`, do as well.
 *
 * `combined()` runs without options, beside `adamW()` with its default rate and with three others,
 * of which the best is chosen on validation points. Then the run of `combined()` is saved to a file,
 * resumed from it, trained on and exported.
 *
 * On points as clean as these adamW() at the best of its rates does as well or better: what
 * combined() spares is the search.
 *
 * Run: deno run -A examples/onnxruntime-node/main.ts
 */
import { adamW, combined, type Definition } from "@precond/core";
import { buildModel, type ModelProto } from "@precond/onnx";
import { Trainer } from "@precond/onnxruntime";
import { loadFile, saveFile } from "@precond/onnxruntime/node";
import { rm } from "node:fs/promises";
import * as ort from "onnxruntime-node";

/** A small reproducible source of numbers (an LCG's high bits are good enough here). */
let state = 1;
const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

/** Points of two spirals, and which of them each is on. */
function makeSpirals(count: number) {
  const points = new Float32Array(2 * count), labels = new BigInt64Array(count);
  for (let i = 0; i < count; i++) {
    const spiral = i % 2, t = 0.3 + 2.2 * uniform();
    const angle = 2 * t + Math.PI * spiral;
    points.set([t * Math.cos(angle) + 0.1 * normal(), t * Math.sin(angle) + 0.1 * normal()], 2 * i);
    labels[i] = BigInt(spiral);
  }
  return { points, labels };
}
type Spirals = ReturnType<typeof makeSpirals>;
const train = makeSpirals(400), validation = makeSpirals(400), test = makeSpirals(1000);

/** Three dense layers with ReLU between them. */
function makeModel(): ModelProto {
  state = 5;
  const m = buildModel();
  let h = m.input("x", ["N", 2]);
  const sizes = [2, 32, 32, 2];
  for (let k = 1; k < sizes.length; k++) {
    const [from, to] = [sizes[k - 1]!, sizes[k]!];
    const values = Float32Array.from({ length: from * to }, () => normal() * Math.sqrt(2 / from));
    const w = m.parameter(`w${k}`, [from, to], values);
    const b = m.parameter(`b${k}`, [to], new Float32Array(to));
    h = m.op("Gemm", [h, w, b], {}, k === sizes.length - 1 ? "logits" : `z${k}`);
    if (k < sizes.length - 1) h = m.op("Relu", [h]);
  }
  m.output(h);
  return m.build();
}

const feedsOf = ({ points, labels }: Spirals) => ({
  x: { data: points, dims: [labels.length, 2] },
  labels: { data: labels, dims: [labels.length] },
});

/** Batches of 32 points, the same for the same seed. */
function* batches(count: number, seed: number) {
  state = seed;
  for (let k = 0; k < count; k++) {
    const points = new Float32Array(64), labels = new BigInt64Array(32);
    for (let i = 0; i < 32; i++) {
      const at = Math.floor(train.labels.length * uniform());
      points.set(train.points.subarray(2 * at, 2 * at + 2), 2 * i);
      labels[i] = train.labels[at]!;
    }
    yield feedsOf({ points, labels });
  }
}

const source = { model: makeModel(), loss: { type: "crossEntropy" } } as const;
const create = (optimizer: Definition) => Trainer.create(ort, source, { optimizer });
async function report(name: string, trainer: Trainer): Promise<number> {
  const [{ loss }, { loss: known }] = [
    await trainer.evaluate(feedsOf(test)),
    await trainer.evaluate(feedsOf(validation)),
  ];
  console.log(
    `${name}: test loss ${loss.toFixed(6)} after ${trainer.iteration} steps, ` +
      `validation loss ${known.toFixed(6)}`,
  );
  return known;
}

const found = new Map<number, number>();
for (const rate of [0.001, 0.003, 0.01, 0.03]) { // 0.001 is the default of adamW()
  const trainer = await create(adamW({ learningRate: rate }));
  await trainer.fit(batches(200, 7));
  found.set(rate, await report(`adamW(), rate ${rate}`, trainer));
  await trainer.release();
}
const [best] = [...found].reduce((a, b) => b[1] < a[1] ? b : a);
console.log(`on validation points adamW() is best with a rate of ${best}`);

const trainer = await create(combined());
await trainer.fit(batches(200, 7));
await report("combined()", trainer);

const file = `${import.meta.dirname}/run.safetensors`;
await saveFile(trainer, file); // whole or not at all, whenever the process ends
const resumed = await create(combined());
await loadFile(resumed, file);
await rm(file);

// The resumed one takes the very steps of the one that was not interrupted.
for (const [name, each] of Object.entries({ "trained on": trainer, "resumed": resumed })) {
  await each.fit(batches(100, 8));
  await report(`combined(), ${name}`, each);
}
const { length } = await resumed.exportModel(); // for inference, in any ONNX Runtime
console.log(`${length} bytes of ONNX`);
await trainer.release();
await resumed.release();
