/**
 * Exact second derivatives for TensorFlow.js, by double backprop.
 *
 * @module
 */
export { enableSecondOrder } from "./enable.ts";
export { type HessianDiagonalSample, hessianDiagonalSample } from "./hessian_diagonal_sample.ts";
export { type HessianVectorProduct, hessianVectorProduct } from "./hessian_vector_product.ts";
export { sigmoidCrossEntropy, softmaxCrossEntropy } from "./losses.ts";
