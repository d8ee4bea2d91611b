/** @module */
import type { ModelProto } from "../proto/onnx_pb.ts";
import { appendSample, type GaussNewtonSample } from "./gauss_newton_sample.ts";
import { beginGrowth, type Differentiated, endGrowth } from "./growth.ts";
import { appendHutchinson, type HessianVectorProduct } from "./hessian_vector_product.ts";
import {
  appendSquares,
  type PerExampleOptions,
  type PerExampleSquares,
} from "./per_example_squares.ts";

/** Options of {@linkcode trainingGraph}. */
export interface TrainingGraphOptions extends PerExampleOptions {
  /** Whether `<p>_squares` are computed too. Default false. */
  readonly squares?: boolean;
  /**
   * Which sample of the curvature's diagonal, `<p>_curvature`, is computed too: a Gauss-Newton sample,
   * or Hutchinson's `v∘Hv` with v from the inputs `<p>_vector`. Default none.
   */
  readonly curvature?: "gaussNewton" | "hutchinson";
}

/** What {@linkcode trainingGraph} returns: the parts that were asked for. */
export type TrainingGraph =
  & Differentiated
  & Partial<Pick<PerExampleSquares, "squares">>
  & Partial<Pick<GaussNewtonSample, "uniform" | "curvatures">>
  & Partial<Pick<HessianVectorProduct, "vectors">>;

/**
 * One graph with the gradient and any of {@linkcode perExampleSquares},
 * {@linkcode gaussNewtonSample} and Hutchinson's estimate, which share what they can.
 *
 * @throws {OnnxError} As these do.
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
  const growth = beginGrowth(model, options);
  const sample = options.curvature === "gaussNewton" ? appendSample(growth) : undefined;
  const hutchinson = options.curvature === "hutchinson" ? appendHutchinson(growth) : undefined;
  // Last, since the gradients may then come from the shares of single examples.
  const squares = options.squares === true ? appendSquares(growth, options) : undefined;
  const further = [squares, sample?.curvatures, hutchinson?.curvatures]
    .flatMap((names) => [...(names?.values() ?? [])]);
  return {
    ...endGrowth(growth, further),
    ...(squares === undefined ? {} : { squares }),
    ...sample,
    ...hutchinson,
  };
}
