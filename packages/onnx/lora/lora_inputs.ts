/** @module */
import * as kinds from "@precond/core/kinds";
import { OnnxError } from "../model/onnx_error.ts";
import { tensorDims } from "../model/tensor.ts";
import { declaration } from "../model/value_info.ts";
import type { ModelProto, TensorProto } from "../proto/onnx_pb.ts";
import { loraAdapters } from "./adapters.ts";

/** Options of {@linkcode loraInputs}. */
export interface LoraInputsOptions {
  /**
   * Whether the adapters' values stay in the model for runs that give no others. Default true: what
   * ONNX Runtime's own adapters (`.onnx_adapter`) need. Builds for JavaScript take no feeds for inputs
   * that have a value (onnxruntime-node ignores them without a word): there it must be false, and every
   * run is fed an adapter.
   */
  readonly defaults?: boolean;
}

/**
 * The tensors of all adapters of a model, A and B in turn, as they are stored in it: what a run of
 * {@linkcode loraInputs} is fed, or what writeOnnxAdapter() writes.
 *
 * @throws {OnnxError} For a model whose adapters have no values.
 *
 * @example
 * ```ts
 * import { loraTensors, readModel, writeOnnxAdapter } from "@precond/onnx";
 *
 * const adapterFile = (trained: Uint8Array) =>
 *   writeOnnxAdapter({ parameters: loraTensors(readModel(trained)) });
 * ```
 */
export function loraTensors(model: ModelProto): TensorProto[] {
  const stored = new Map(model.graph?.initializer.map((tensor) => [tensor.name, tensor]));
  return loraAdapters(model).flatMap(({ name, a, b }) =>
    [a, b].map((one) => {
      const tensor = stored.get(one);
      if (tensor !== undefined) return tensor;
      throw new OnnxError(
        `Cannot take the adapter of "${name}": the values of "${one}" are not in the model`,
        { node: name },
      );
    })
  );
}

/**
 * The model with its adapters as inputs, so that one session serves several of them: each run is fed the
 * tensors of one.
 *
 * @returns A new model, which shares the tensors of the one given.
 * @throws {OnnxError} For a model without adapters, or whose adapters have no values.
 *
 * @example
 * ```ts
 * import { loraInputs, readModel, writeModel } from "@precond/onnx";
 *
 * const forEveryUser = (trained: Uint8Array) =>
 *   writeModel(loraInputs(readModel(trained), { defaults: false }));
 * ```
 */
export function loraInputs(model: ModelProto, options: LoraInputsOptions = {}): ModelProto {
  kinds.checkOptions("make the adapters inputs", options, { defaults: kinds.flag });
  const { defaults = true } = options;
  const tensors = loraTensors(model);
  const graph = model.graph;
  if (graph === undefined || tensors.length === 0) {
    throw new OnnxError(
      "Cannot make the adapters inputs: the model has none; add them by addLora()",
    );
  }
  const names = new Set(tensors.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !names.has(name));
  return {
    ...model,
    graph: {
      ...graph,
      input: [...inputs, ...tensors.map((t) => declaration(t.name, t.dataType, tensorDims(t)))],
      initializer: defaults
        ? graph.initializer
        : graph.initializer.filter(({ name }) => !names.has(name)),
    },
  };
}
