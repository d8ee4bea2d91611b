/**
 * The page of operations_browser_test.ts: the second-order pack on the backends that only browsers have.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import { checkCase } from "./operations.ts";
import { allCases } from "./all_cases.ts";

export { start } from "../../scenarios/backends_page.ts";

/** Checks a case; how far H v is off. */
export async function checkOp(name: string, tolerance: number): Promise<number> {
  const error = await checkCase(allCases.find((test) => test.name === name)!, tolerance);
  // Buffers of small tensors pile up where nothing is ever read.
  await tf.nextFrame();
  return error;
}
