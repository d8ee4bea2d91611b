/**
 * Gradient graphs of small networks, with feeds: what is run on every provider.
 *
 * @module
 */
import {
  digitsCnn,
  multilayerPerceptron,
  type NetworkBuilder,
  transformer,
} from "@precond/testing";
import { normal, type Value } from "../../_testing.ts";
import { differentiate } from "../../differentiate/differentiate.ts";
import { hessianVectorProduct } from "../../differentiate/hessian_vector_product.ts";
import type { Loss } from "../../differentiate/loss.ts";
import { buildModel } from "../../model/build_model.ts";
import { DataType } from "../../model/data_type.ts";
import { tensorData, tensorDims } from "../../model/tensor.ts";
import type { ModelProto } from "../../proto/onnx_pb.ts";

/** A graph to be run. */
export interface Subject {
  readonly name: string;
  readonly model: ModelProto;
  readonly feeds: Readonly<Record<string, Value>>;
  /** Numbers for its symbolic sizes. */
  readonly sizes: Readonly<Record<string, number>>;
}

interface Network {
  readonly name: string;
  readonly build: (m: NetworkBuilder) => void;
  readonly input: readonly number[];
  /** Of the output but for the classes. */
  readonly examples: readonly number[];
  readonly classes: number;
}

const networks: readonly Network[] = [
  {
    name: "MLP",
    build: (m) => multilayerPerceptron(m, [6, 5, 4]),
    input: [8, 6],
    examples: [8],
    classes: 4,
  },
  { name: "CNN", build: digitsCnn, input: [3, 1, 28, 28], examples: [3], classes: 10 },
  {
    name: "transformer",
    build: (m) => transformer(m, { layers: 1, width: 8, heads: 2, length: 5 }),
    input: [2, 5, 8],
    examples: [2, 5],
    classes: 8,
  },
];

const floats = (seed: number, dims: readonly number[]): Value => ({
  ...normal(seed, dims),
  type: DataType.FLOAT,
});

/** The gradient (or Hessian-vector product) graph of each network with a loss. */
export function subjects(losses: readonly Loss[], second = false): Subject[] {
  return networks.flatMap(({ name, build, input, examples, classes }) =>
    losses.map((given): Subject => {
      const loss = given.type === "crossEntropy" && examples.length > 1
        ? { ...given, axis: -1 }
        : given;
      const m = buildModel();
      build(m);
      const forward = m.build();
      const count = examples.reduce((a, d) => a * d, 1);
      const labels: Value = loss.type === "crossEntropy"
        ? {
          dims: examples,
          data: Array.from({ length: count }, (_, k) =>
            k === 1 && loss.ignoreIndex !== undefined ? loss.ignoreIndex : k % classes),
          type: DataType.INT64,
        }
        : floats(2, [...examples, classes]);
      const feeds: Record<string, Value> = { x: floats(1, input), labels };
      const made = second
        ? hessianVectorProduct(forward, { loss })
        : differentiate(forward, { loss });
      for (const parameter of made.parameters) {
        const tensor = forward.graph!.initializer.find((t) => t.name === parameter)!;
        const dims = tensorDims(tensor);
        feeds[parameter] = {
          dims,
          data: Array.from(tensorData(tensor) as ArrayLike<number>),
          type: DataType.FLOAT,
        };
        const vector = "vectors" in made
          ? (made.vectors as ReadonlyMap<string, string>).get(parameter)
          : undefined;
        if (vector !== undefined) feeds[vector] = floats(3, dims);
      }
      return {
        name: `${name}, ${JSON.stringify(loss)}${second ? ", Hessian-vector product" : ""}`,
        model: made.model,
        feeds,
        sizes: { N: input[0]! },
      };
    })
  );
}

/** Losses of which each network's gradient is run. */
export const losses: readonly Loss[] = [
  { type: "crossEntropy" },
  { type: "crossEntropy", ignoreIndex: -100 },
  { type: "mse" },
  { type: "huber" },
];
