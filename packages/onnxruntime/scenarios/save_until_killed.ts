/**
 * What the kill test runs: trains and saves to the path of its first argument until it is killed.
 * Prints a line when the first file is there.
 *
 * @module
 */
import { argv, stdout } from "node:process";
import { createRequire } from "node:module";
import { buildModel } from "@precond/onnx";
import { Trainer } from "../mod.ts";
import type { Feeds, Ort } from "../hosts/ort.ts";
import { saveFile } from "../node/mod.ts";

/** Elements of the parameter: a file of some hundred kilobytes takes a while to write. */
export const size = 100_000;

/** After k steps every element is −k. */
export async function countingTrainer(): Promise<Trainer> {
  const ort = createRequire(import.meta.url)("onnxruntime-node") as Ort;
  const { chain, learningRate, momentum } = await import("@precond/core");
  const m = buildModel();
  const w = m.parameter("w", [size], new Float32Array(size));
  const product = m.op("Mul", [m.input("x", [size]), w]);
  m.output(m.op("ReduceSum", [product], { keepdims: 0 }, "loss"));
  return await Trainer.create(ort, { model: m.build(), output: "loss" }, {
    optimizer: chain(momentum({ decay: 0, debias: false }), learningRate(1)),
  });
}

/** Feeds whose gradient is 1 everywhere. */
export const ones: Feeds = { x: { data: new Float32Array(size).fill(1), dims: [size] } };

if (import.meta.main) {
  const trainer = await countingTrainer();
  for (let step = 0;; step++) {
    await trainer.step(ones);
    await saveFile(trainer, argv[2]!);
    if (step === 0) stdout.write("saved\n");
  }
}
