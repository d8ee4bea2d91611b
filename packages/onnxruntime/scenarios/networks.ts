/**
 * Networks and batches for tests of trainers, in a browser too.
 *
 * @module
 */
import { buildModel, type Loss, type ModelProto } from "@precond/onnx";
import { digitsCnn, multilayerPerceptron, random, transformer } from "@precond/testing";
import type { Feeds } from "../hosts/ort.ts";

/** A network with a loss and batches for it. */
export interface TestNetwork {
  readonly name: string;
  readonly model: ModelProto;
  readonly loss: Loss;
  /** The batch of a step. */
  feeds(step: number): Feeds;
}

function normals(seed: number, dims: readonly number[]) {
  const { normal } = random(seed);
  const size = dims.reduce((a, b) => a * b, 1);
  return { data: Float32Array.from({ length: size }, normal), dims };
}

function classes(seed: number, count: number, batch: number) {
  const source = random(seed);
  const values = Array.from({ length: batch }, () => source.integer(count));
  return { data: BigInt64Array.from(values, BigInt), dims: [batch] };
}

/** Dense layers 6-8-3. */
export function mlp(): TestNetwork {
  const m = buildModel();
  multilayerPerceptron(m, [6, 8, 3]);
  return {
    name: "MLP",
    model: m.build(),
    loss: { type: "crossEntropy" },
    feeds: (step) => ({ x: normals(step, [16, 6]), labels: classes(step + 1000, 3, 16) }),
  };
}

/** Convolutions and pooling. */
export function cnn(): TestNetwork {
  const m = buildModel();
  digitsCnn(m);
  return {
    name: "CNN",
    model: m.build(),
    loss: { type: "crossEntropy" },
    feeds: (step) => ({ x: normals(step, [4, 1, 28, 28]), labels: classes(step + 1000, 10, 4) }),
  };
}

/** One block of attention. */
export function block(): TestNetwork {
  const m = buildModel();
  transformer(m, { layers: 1, width: 16, heads: 2, length: 5 });
  return {
    name: "transformer block",
    model: m.build(),
    loss: { type: "mse" },
    feeds: (step) => ({ x: normals(step, [3, 5, 16]), labels: normals(step + 1000, [3, 5, 16]) }),
  };
}
