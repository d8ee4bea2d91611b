/** @module */
import type { ModelProto } from "../proto/onnx_pb.ts";
import { allParts } from "./all_parts.ts";
import { productsOf } from "./append_hutchinson.ts";
import {
  beginGrowth,
  checkGrowthOptions,
  type Differentiated,
  type DifferentiateOptions,
  endGrowth,
  type Growth,
  nameResults,
} from "./growth.ts";

/** What {@linkcode hessianVectorProduct} returns. */
export interface HessianVectorProduct extends Differentiated {
  /** For each parameter the name of its input v, shaped like it: `<p>_vector`. */
  readonly vectors: ReadonlyMap<string, string>;
  /** For each parameter the name of its part of Hv: `<p>_hvp`. */
  readonly products: ReadonlyMap<string, string>;
}

/**
 * Appends to a model the nodes that compute the gradient and the exact Hessian-vector product
 * `(Hv)_p = Σ_q ∂²loss/∂p∂q v_q` over all trainable parameters, by reverse mode over reverse mode.
 * Outputs are the loss, the kept outputs, each `<p>_grad`, then each `<p>_hvp`; units are those of
 * the loss.
 *
 * Pearlmutter, "Fast exact multiplication by the Hessian" (1994), in reverse-over-reverse form.
 *
 * @throws {OnnxError} As {@linkcode differentiate} does.
 *
 * @example
 * ```ts
 * import { hessianVectorProduct, readModel } from "@precond/onnx";
 *
 * const curvatureGraph = (bytes: Uint8Array) =>
 *   hessianVectorProduct(readModel(bytes), { loss: { type: "mse" } }).model;
 * ```
 */
export function hessianVectorProduct(
  model: ModelProto,
  options: DifferentiateOptions,
): HessianVectorProduct {
  checkGrowthOptions(options);
  const growth = beginGrowth(model, options, allParts);
  const { vectors, products } = appendProduct(growth);
  return { ...endGrowth(growth, [...products.values()]), vectors, products };
}

/** Appends `Hv`, v as inputs. */
function appendProduct(growth: Growth): Pick<HessianVectorProduct, "vectors" | "products"> {
  const { vectors, found } = productsOf(growth);
  return { vectors, products: nameResults(growth.b, found, "_hvp") };
}
