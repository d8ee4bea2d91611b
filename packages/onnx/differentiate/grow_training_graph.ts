/** @module */
import * as kinds from "@precond/core/kinds";
import type { ModelProto } from "../proto/onnx_pb.ts";
import type { appendHutchinson } from "./append_hutchinson.ts";
import type { appendSample } from "./append_sample.ts";
import type { appendSquares } from "./append_squares.ts";
import type { CurvatureSample } from "./curvature_sample.ts";
import { beginGrowth, checkGrowthOptions, type Differentiated, endGrowth } from "./growth.ts";
import type { GraphParts } from "./graph_parts.ts";
import type { HessianVectorProduct } from "./hessian_vector_product.ts";
import type { PerExampleOptions, PerExampleSquares } from "./per_example_squares.ts";
import { squaresKinds } from "./squares_options.ts";

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

/** What grows a training graph, at hand or to be loaded. */
export interface GrowthParts extends GraphParts {
  readonly appendHutchinson: typeof appendHutchinson;
  readonly appendSample: typeof appendSample;
  readonly appendSquares: typeof appendSquares;
}

const known = {
  ...squaresKinds,
  squares: kinds.flag,
  curvature: /* @__PURE__ */ kinds.oneOf("gaussNewton", "fisher", "hutchinson"),
};

/** `trainingGraph()`, from given parts; those that are not needed are not touched. */
export function growTrainingGraph(
  parts: GrowthParts,
  model: ModelProto,
  options: TrainingGraphOptions,
): TrainingGraph {
  checkGrowthOptions(options, known);
  const { curvature } = options;
  const growth = beginGrowth(model, options, parts);
  const sample = curvature === "gaussNewton" || curvature === "fisher"
    ? parts.appendSample(growth, curvature)
    : undefined;
  const hutchinson = curvature === "hutchinson" ? parts.appendHutchinson(growth) : undefined;
  // Last, since the gradients may then come from the shares of single examples.
  const squares = options.squares === true ? parts.appendSquares(growth, options) : undefined;
  const further = [squares, sample?.curvatures, hutchinson?.curvatures]
    .flatMap((names) => [...(names?.values() ?? [])]);
  return {
    ...endGrowth(growth, further),
    ...(squares === undefined ? {} : { squares }),
    ...sample,
    ...hutchinson,
  };
}
