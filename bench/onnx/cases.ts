/** @module */
import type { DifferentiateOptions, ModelBuilder } from "@precond/onnx";
import {
  digitsCnn,
  multilayerPerceptron,
  type NetworkOptions,
  resnet50,
  transformer,
  type TransformerSizes,
} from "@precond/testing";
import { random } from "../random.ts";

/** What a graph is fed with besides its parameters. */
export type Feeds = Readonly<
  Record<string, { readonly data: Float32Array | BigInt64Array; readonly dims: readonly number[] }>
>;

/** A model whose gradient graph is measured. */
export interface OnnxCase {
  readonly name: string;
  readonly options: Pick<DifferentiateOptions, "loss">;
  build(m: ModelBuilder): void;
  /** One batch; missing where the model is only differentiated. */
  feeds?(): Feeds;
}

function normal(name: string, dims: readonly number[]) {
  const draw = random(name, dims.join());
  const size = dims.reduce((a, b) => a * b, 1);
  return { data: Float32Array.from({ length: size }, () => draw.normal()), dims };
}

const classes = (batch: number, count: number) => ({
  data: BigInt64Array.from({ length: batch }, (_, i) => BigInt(i * 7 % count)),
  dims: [batch],
});

/** A classifier of images (or vectors), with cross-entropy over its 10 classes. */
function classifier(
  name: string,
  build: OnnxCase["build"],
  batch: readonly [number, ...number[]],
): OnnxCase {
  return {
    name,
    options: { loss: { type: "crossEntropy" } },
    build,
    feeds: () => ({ x: normal("x", batch), labels: classes(batch[0], 10) }),
  };
}

/** Dense layers with ReLU. */
export function mlpCase(sizes: readonly number[], batch: number): OnnxCase {
  return classifier("mlp", (m) => multilayerPerceptron(m, sizes), [batch, sizes[0]!]);
}

/** Two convolutions with pooling. */
export function cnnCase(batch: number): OnnxCase {
  return classifier("cnn", (m) => digitsCnn(m), [batch, 1, 28, 28]);
}

/** Sizes of a transformer and of its batch. */
export interface TransformerCase extends Omit<TransformerSizes, "layers"> {
  /** Default 1. */
  readonly layers?: number;
  readonly batch: number;
}

/** Pre-norm transformer blocks. */
export function transformerCase({ layers = 1, batch, ...sizes }: TransformerCase): OnnxCase {
  const dims = [batch, sizes.length, sizes.width];
  return {
    name: layers === 1 ? "transformer block" : `transformer ${layers}×${sizes.width}`,
    options: { loss: { type: "mse" } },
    build: (m) => transformer(m, { layers, ...sizes }),
    feeds: () => ({ x: normal("x", dims), labels: normal("labels", dims) }),
  };
}

const zeros: NetworkOptions = { zeros: true };

/** What `onnx.ts` measures. */
export const onnxCases: readonly OnnxCase[] = [
  mlpCase([784, 500, 10], 64),
  cnnCase(64),
  transformerCase({ width: 128, heads: 4, length: 64, batch: 8 }),
  {
    name: "resnet50",
    options: { loss: { type: "crossEntropy" } },
    build: (m) => resnet50(m, zeros),
  },
  {
    name: "transformer 12×768",
    options: { loss: { type: "mse" } },
    build: (m) => transformer(m, { layers: 12, width: 768, heads: 12, length: 128 }, zeros),
  },
];
