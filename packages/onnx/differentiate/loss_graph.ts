/** @module */
import type { ModelProto } from "../proto/onnx_pb.ts";
import { allParts } from "./all_parts.ts";
import type { DifferentiateOptions } from "./growth.ts";
import { type LossGraph, makeLossGraph } from "./make_loss_graph.ts";

/**
 * The forward pass with the same inputs as the gradient graph: for evaluation (with a loss) and
 * prediction (without one, `outputs` alone).
 *
 * @throws {OnnxError} For names that the graph does not have.
 *
 * @example
 * ```ts
 * import { lossGraph, readModel } from "@precond/onnx";
 *
 * const evaluationGraph = (bytes: Uint8Array) =>
 *   lossGraph(readModel(bytes), { loss: { type: "mse" } }).model;
 * ```
 */
export function lossGraph(model: ModelProto, options: DifferentiateOptions): LossGraph {
  return makeLossGraph(allParts, model, options);
}
