/** @module */
export type { Recompute } from "./checkpoints.ts";
export type { ClassLabels } from "./class_labels.ts";
export { differentiate } from "./differentiate.ts";
export {
  type CurvatureSample,
  type CurvatureSampleOptions,
  fisherSample,
  gaussNewtonSample,
} from "./curvature_sample.ts";
export type { Differentiated, DifferentiateOptions } from "./growth.ts";
export { type HessianVectorProduct, hessianVectorProduct } from "./hessian_vector_product.ts";
export { lossGraph } from "./loss_graph.ts";
export type { LossGraph } from "./make_loss_graph.ts";
export type { Loss, LossTarget } from "./loss.ts";
export {
  type PerExampleOptions,
  type PerExampleSquares,
  perExampleSquares,
} from "./per_example_squares.ts";
export type { InputShapes, RowsOf } from "./rows.ts";
export type { Trainable } from "./trainable.ts";
export { trainingGraph } from "./training_graph.ts";
export type { TrainingGraph, TrainingGraphOptions } from "./grow_training_graph.ts";
