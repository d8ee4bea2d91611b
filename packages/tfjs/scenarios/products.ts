/**
 * Products and reads of tensors, beneath what the package exports.
 *
 * @module
 */
import {
  checkBackendProducts,
  checkReads,
  productCases,
  type ProductTolerance,
} from "@precond/testing";
import { tensorBackend } from "../backends/tensors.ts";

/** Checks them on the active backend. */
export async function checkTensorProducts(
  tolerance: ProductTolerance = {},
  sizes?: readonly number[],
): Promise<void> {
  const backend = tensorBackend();
  await checkBackendProducts(backend, tolerance, productCases(sizes));
  await checkReads(backend);
}
