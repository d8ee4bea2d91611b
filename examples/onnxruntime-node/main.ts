/**
 * Trains an ONNX model with onnxruntime-node: no Python, no artifacts. The model is built here; the
 * bytes of a file, `await readFile("model.onnx")`, do as well.
 *
 * The data is few and noisy, as it is on a user's machine: 200 points of two spirals, three labels in
 * ten wrong; the test labels are right. It shows how to write it; bench/ has what was measured.
 *
 * Run: deno run -A examples/onnxruntime-node/main.ts
 */
import {
  adamW,
  chain,
  type Definition,
  learningRate,
  scaleBy,
  signalFraction,
} from "@precond/core";
import { inverseRms } from "@precond/core/pieces";
import { buildModel, type ModelProto } from "@precond/onnx";
import { Trainer } from "@precond/onnxruntime";
import { loadFile, saveFile } from "@precond/onnxruntime/node";
import { rm } from "node:fs/promises";
import * as ort from "onnxruntime-node";

/** A small reproducible source of numbers (an LCG's high bits are good enough here). */
let state = 1;
const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

/** Points of two spirals and which of them each is on; a share of the labels is wrong. */
function makeSpirals(count: number, wrong: number) {
  const points = new Float32Array(2 * count), labels = new BigInt64Array(count);
  for (let i = 0; i < count; i++) {
    const spiral = i % 2, t = 0.3 + 2.2 * uniform();
    const angle = 2 * t + Math.PI * spiral;
    points.set([t * Math.cos(angle) + 0.1 * normal(), t * Math.sin(angle) + 0.1 * normal()], 2 * i);
    labels[i] = BigInt(uniform() < wrong ? 1 - spiral : spiral);
  }
  return { points, labels };
}
const train = makeSpirals(200, 0.3), test = makeSpirals(1000, 0);

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

/** Batches of 32 points. */
function* batches(count: number) {
  for (let k = 0; k < count; k++) {
    const x = new Float32Array(64), labels = new BigInt64Array(32);
    for (let i = 0; i < 32; i++) {
      const at = Math.floor(200 * uniform());
      x.set(train.points.subarray(2 * at, 2 * at + 2), 2 * i);
      labels[i] = train.labels[at]!;
    }
    yield { x: { data: x, dims: [32, 2] }, labels: { data: labels, dims: [32] } };
  }
}

const optimizers: Record<string, Definition> = {
  "AdamW": adamW({ learningRate: 0.003 }),
  "SNR": chain( // Adam's denominator, then T: what is mostly noise waits
    scaleBy(inverseRms({ decay: 0.999, epsilon: 1e-7 })),
    scaleBy(signalFraction({ decay: 0.99 })),
    learningRate(0.01),
  ),
};
const source = { model: makeModel(), loss: { type: "crossEntropy" } } as const;
for (const [name, optimizer] of Object.entries(optimizers)) {
  state = 7;
  const trainer = await Trainer.create(ort, source, { optimizer });
  await trainer.fit(batches(2000));

  const file = `${import.meta.dirname}/run.safetensors`;
  await saveFile(trainer, file); // whole or not at all, whenever the process ends
  await trainer.release();
  const resumed = await Trainer.create(ort, source, { optimizer });
  await loadFile(resumed, file);
  await rm(file);
  await resumed.fit(batches(2000));

  const { loss } = await resumed.evaluate({
    x: { data: test.points, dims: [1000, 2] },
    labels: { data: test.labels, dims: [1000] },
  });
  const { length } = await resumed.exportModel(); // for inference, in any ONNX Runtime
  console.log(
    `${name}: test loss ${
      loss.toFixed(3)
    } after ${resumed.iteration} steps, ${length} bytes of ONNX`,
  );
  await resumed.release();
}
