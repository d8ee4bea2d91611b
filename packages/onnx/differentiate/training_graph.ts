/** @module */
import type { ModelProto } from "../proto/onnx_pb.ts";
import { appendSample, type CurvatureSample } from "./curvature_sample.ts";
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
   * Which sample of the curvature's diagonal, `<p>_curvature`, is computed too: that of
   * {@linkcode gaussNewtonSample} or {@linkcode fisherSample}, or Hutchinson's `v∘Hv` with v from the
   * inputs `<p>_vector`. Default none.
   */
  readonly curvature?: "gaussNewton" | "fisher" | "hutchinson";
}

/** What {@linkcode trainingGraph} returns: the parts that were asked for. */
export type TrainingGraph =
  & Differentiated
  & Partial<Pick<PerExampleSquares, "squares">>
  & Partial<Pick<CurvatureSample, "uniform" | "curvatures">>
  & Partial<Pick<HessianVectorProduct, "vectors">>;

const CURVATURES: readonly string[] = ["gaussNewton", "fisher", "hutchinson"];

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
  const { curvature } = options;
  if (curvature !== undefined && !CURVATURES.includes(curvature)) {
    throw new RangeError(
      `Cannot make the training graph: curvature must be one of ${CURVATURES.join(", ")}, ` +
        `current value is ${curvature}`,
    );
  }
  const growth = beginGrowth(model, options);
  const sample = curvature === "gaussNewton" || curvature === "fisher"
    ? appendSample(growth, curvature)
    : undefined;
  const hutchinson = curvature === "hutchinson" ? appendHutchinson(growth) : undefined;
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
