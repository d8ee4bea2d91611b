/** @module */
import * as kinds from "@precond/core/kinds";
import { OLDEST_OPSET, opsetOf } from "../graph/load_graph_with.ts";
import { OnnxError } from "../model/onnx_error.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";
import { type LoraAdapter, readNotes, withNotes } from "./adapters.ts";
import { attach } from "./attach.ts";
import { chooseLayers, type LoraTarget } from "./choose_layers.ts";
import { findLayers, type LoraLayer } from "./layers.ts";
import { createParts } from "./parts.ts";

/** Options of {@linkcode addLora}. */
export interface LoraOptions {
  /**
   * The layers that get adapters. Default: every linear layer (MatMul, Gemm, MatMulNBits with a stored
   * weight: projections of attention and of MLPs) but those that make the model's outputs.
   */
  readonly targets?: LoraTarget | readonly LoraTarget[];
  /** r, a positive integer. Default 8. */
  readonly rank?: number;
  /** What is learnt counts alpha/rank. Default: the rank. */
  readonly alpha?: number;
  /**
   * The share of an adapter's inputs that is dropped in training; of an embedding's none. Default 0.
   */
  readonly dropout?: number;
  /** Seed of the numbers that A begins with, an integer from 0 to 2³² − 1. Default 1. */
  readonly seed?: number;
}

const known: kinds.Kinds<LoraOptions> = {
  // As chooseLayers() checks them.
  targets: kinds.anything,
  rank: kinds.count,
  alpha: kinds.positive,
  dropout: kinds.decay,
  seed: kinds.seed,
};

/**
 * Puts adapters of low rank beside layers of a model, whose own weights then stay as they are:
 * `y = layer(x) + alpha/rank · B(A(x))`. For a linear layer x `[…, in]` goes through A `[in, rank]` and B
 * `[rank, out]`; for a convolution A has its kernel, stride and padding and B a kernel of one point; of
 * an embedding A `[rows, rank]` is the table.
 *
 * A begins uniform in ±1/√in (with a kernel: in times its points), B zero, of an embedding A zero and B
 * normal, as in PEFT: the model computes what it did. `differentiate()` and Trainer then train the
 * adapters alone. Of weights that are float16 or quantized (MatMulNBits, GatherBlockQuantized,
 * DequantizeLinear, integers that are cast and scaled) they are float32. With `dropout` the nodes are in training mode: evaluation, prediction and exported models
 * of a Trainer are not.
 *
 * Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2021), section 4.
 *
 * @returns A new model, which shares the tensors of the one given.
 * @throws {OnnxError} For targets that match no layer (with a list of the layers there are), layers that
 *   cannot have an adapter (convolutions in groups), and a model that has adapters already.
 * @throws {TypeError} For options that there are not.
 * @throws {RangeError} For options out of range.
 *
 * @example
 * ```ts
 * import { addLora, buildModel, differentiate } from "@precond/onnx";
 * import assert from "node:assert/strict";
 *
 * const m = buildModel();
 * const h = m.op("MatMul", [m.input("x", ["N", 64]), m.parameter("up.weight", [64, 256], new Float32Array(16384))]);
 * const y = m.op("MatMul", [m.op("Relu", [h]), m.parameter("head.weight", [256, 9], new Float32Array(2304))]);
 * m.output(y);
 * const adapted = addLora(m.build(), { rank: 4 });
 * assert.deepEqual(differentiate(adapted, { loss: { type: "crossEntropy" } }).parameters, [
 *   "up.lora_A.weight",
 *   "up.lora_B.weight",
 * ]);
 * ```
 */
export function addLora(model: ModelProto, options: LoraOptions = {}): ModelProto {
  const { rank = 8, alpha = rank, dropout = 0, seed = 1 } = kinds.checkOptions(
    "add adapters",
    options,
    known,
  );
  const graph = model.graph;
  if (graph === undefined) throw new OnnxError("Cannot add adapters: the model has no graph");
  if (readNotes(model) !== undefined) {
    throw new OnnxError(
      "Cannot add adapters: the model has some; merge them with mergeLora(), or begin with the model " +
        "without them",
    );
  }
  const opset = opsetOf(model);
  const oldest = dropout > 0 ? 12 : OLDEST_OPSET;
  if (opset < oldest) {
    throw new OnnxError(
      `Cannot add adapters${
        dropout > 0 ? " with dropout" : ""
      }: operator set ${opset} is older than ` +
        `${oldest}; convert the model with onnx.version_converter`,
    );
  }
  const layers = chooseLayers(findLayers(model), options.targets);
  const parts = createParts(graph, { scale: alpha / rank, dropout });
  const replaced = new Map<NodeProto, readonly NodeProto[]>();
  const adapters = layers.map((layer): LoraAdapter => {
    const { a, b, sites, nodes } = attach(layer, parts, { rank, seed });
    for (const [node, list] of nodes) replaced.set(node, list);
    return { name: layer.name, kind: layer.kind, a, b, rank, alpha, sites };
  });
  return {
    ...model,
    // Before IR 4 initializers had to be inputs too.
    irVersion: model.irVersion < 4n ? 4n : model.irVersion,
    metadataProps: withNotes(model, { dropout, adapters }),
    graph: {
      ...graph,
      node: graph.node.flatMap((node) => replaced.get(node) ?? [node]),
      initializer: [...graph.initializer, ...parts.initializers],
    },
  };
}

/**
 * The layers of a model that can have adapters, in the graph's order: what `targets` choose from.
 *
 * @throws {OnnxError} For a model without a graph.
 *
 * @example
 * ```ts
 * import { loraLayers, readModel } from "@precond/onnx";
 *
 * const names = (bytes: Uint8Array) => loraLayers(readModel(bytes)).map(({ name }) => name);
 * ```
 */
export function loraLayers(model: ModelProto): LoraLayer[] {
  if (model.graph === undefined) {
    throw new OnnxError("Cannot list layers: the model has no graph");
  }
  return findLayers(model).filter(({ refusal }) => refusal === undefined)
    .map(({ name, op, shape, weight, kind }) => ({ name, op, shape, weight, kind }));
}
