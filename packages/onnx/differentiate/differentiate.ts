/** @module */
import { allParts } from "./all_parts.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import {
  beginGrowth,
  checkGrowthOptions,
  type Differentiated,
  type DifferentiateOptions,
  endGrowth,
} from "./growth.ts";

/**
 * Appends to a model the nodes that compute `∂loss/∂p` for every trainable `p`, by reverse mode and
 * with standard operators only, so that any build of ONNX Runtime runs it and it can be
 * differentiated again. Each gradient has its parameter's shape; units are those of the loss (for a
 * loss with mean reduction: the mean over the batch).
 *
 * Results of GELU and of layer normalizations, weights of attention and joined heads are not kept for
 * the backward pass but computed again there, once the cotangent is there that needs them: this takes
 * less memory and, since little has to be read, hardly time.
 *
 * @throws {OnnxError} When a node on a path to a parameter has no rule (all are listed), the loss is
 *   not a scalar or on logits is taken of probabilities, or a name is unknown.
 * @throws {TypeError} For a loss that there is not, or none.
 *
 * @example
 * ```ts
 * import { differentiate, readModel, writeModel } from "@precond/onnx";
 *
 * const trainingGraph = (bytes: Uint8Array) =>
 *   writeModel(differentiate(readModel(bytes), { loss: { type: "crossEntropy" } }).model);
 * ```
 */
export function differentiate(model: ModelProto, options: DifferentiateOptions): Differentiated {
  checkGrowthOptions(options);
  return endGrowth(beginGrowth(model, options, allParts));
}
