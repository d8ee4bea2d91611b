/** @module */
import * as kinds from "@precond/core/kinds";
import { prepared } from "../graph/prepared.ts";
import { dataTypeName, OnnxError, readsOf } from "../rules/shared/mod.ts";
import type { ModelProto, TensorProto } from "../proto/onnx_pb.ts";
import { forwardCone } from "./forward_cone.ts";
import { inferenceMode } from "./inference_mode.ts";

/** Options of {@linkcode exportInferenceModel}. */
export interface ExportOptions {
  /**
   * Values to be outputs: of an evaluation model the predictions instead of the loss, whereupon the
   * labels are no input any more. Default: the model's outputs.
   */
  readonly outputs?: readonly string[];
}

/**
 * The inference graph with trained parameters: initializers (or, in an evaluation model, inputs) of
 * the same names take their values; dropout and batch normalization work as in inference, whatever
 * their nodes say; what the outputs do not need is dropped. Tensors are shared, the given model is not
 * changed.
 *
 * @throws {OnnxError} For a parameter that the model does not have, or has in another shape.
 *
 * @example
 * ```ts
 * import { exportInferenceModel, readCheckpoint, readModel, writeModel } from "@precond/onnx";
 *
 * const trained = (model: Uint8Array, checkpoint: Uint8Array) =>
 *   writeModel(exportInferenceModel(readModel(model), readCheckpoint(checkpoint).parameters));
 * ```
 */
export function exportInferenceModel(
  given: ModelProto,
  parameters: Iterable<TensorProto>,
  options: ExportOptions = {},
): ModelProto {
  kinds.checkOptions("export the model", options, { outputs: kinds.names });
  if (given.graph === undefined) throw new OnnxError("Cannot export the model: it has no graph");
  const model = inferenceMode(prepared(given));
  const graph = model.graph!;
  const values = new Map<string, TensorProto>();
  const stored = new Map(graph.initializer.map((t) => [t.name, t]));
  const inputs = new Set(graph.input.map((i) => i.name));
  for (const tensor of parameters) {
    const before = stored.get(tensor.name);
    if (before === undefined && !inputs.has(tensor.name)) {
      throw new OnnxError(`Cannot export the model: it has no parameter "${tensor.name}"`);
    }
    if (
      before !== undefined &&
      (before.dataType !== tensor.dataType || String(before.dims) !== String(tensor.dims))
    ) {
      throw new OnnxError(
        `Cannot export the model: parameter "${tensor.name}" is ${
          dataTypeName(tensor.dataType)
        } [${tensor.dims}], the model's is ${dataTypeName(before.dataType)} [${before.dims}]`,
      );
    }
    values.set(tensor.name, tensor);
  }
  const outputs = options.outputs ?? graph.output.map((o) => o.name);
  const made = new Set([
    ...graph.node.flatMap((node) => node.output),
    ...graph.initializer.map(({ name }) => name),
    ...inputs,
  ]);
  for (const name of outputs) {
    if (!made.has(name)) throw new OnnxError(`Cannot export the model: nothing makes "${name}"`);
  }
  const exported = forwardCone(model, outputs, values);
  const read = new Set([...outputs, ...exported.graph!.node.flatMap((node) => readsOf(node))]);
  // Without parameters of the loss alone.
  exported.graph!.initializer = exported.graph!.initializer.filter((t) => read.has(t.name));
  return exported;
}
