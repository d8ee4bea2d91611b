/** @module */
import type { ModelProto } from "../proto/onnx_pb.ts";
import { allParts } from "./all_parts.ts";
import { appendHutchinson } from "./append_hutchinson.ts";
import { appendSample } from "./append_sample.ts";
import { appendSquares } from "./append_squares.ts";
import {
  growTrainingGraph,
  type TrainingGraph,
  type TrainingGraphOptions,
} from "./grow_training_graph.ts";

/**
 * One graph with the gradient and any of {@linkcode perExampleSquares},
 * {@linkcode gaussNewtonSample}, {@linkcode fisherSample} and Hutchinson's estimate, which share what
 * they can.
 *
 * @throws {OnnxError} As these do.
 * @throws {RangeError} For a curvature that there is not.
 *
 * @example
 * ```ts
 * import { readModel, trainingGraph } from "@precond/onnx";
 *
 * const evidenceGraph = (bytes: Uint8Array) =>
 *   trainingGraph(readModel(bytes), {
 *     loss: { type: "crossEntropy" },
 *     squares: true,
 *     curvature: "gaussNewton",
 *   }).model;
 * ```
 */
export function trainingGraph(model: ModelProto, options: TrainingGraphOptions): TrainingGraph {
  const parts = { ...allParts, appendHutchinson, appendSample, appendSquares };
  return growTrainingGraph(parts, model, options);
}
