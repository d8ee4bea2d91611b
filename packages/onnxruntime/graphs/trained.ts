/**
 * The choice of what is trained.
 *
 * @module
 */
import type { Trainable } from "@precond/onnx";
import { lossGraph } from "@precond/onnx/on_demand";
import type { TrainingSource } from "./source.ts";

/**
 * What is trained: what is chosen, or what the source trains, without what is frozen. (A parameter
 * that is both would be fed as it was, and updated for nothing.)
 *
 * @throws {TypeError} For a name that is listed as both.
 * @throws {NotLoaded} Outside of `loading()`, if code is missing.
 */
export function trainedOf(
  source: Pick<TrainingSource, "model" | "trainable">,
  chosen: Trainable | undefined,
  frozen: readonly string[],
): Trainable | undefined {
  if (typeof chosen === "function") {
    return (name, tensor) => !frozen.includes(name) && chosen(name, tensor);
  }
  // What is neither a list nor a function is refused where the graph is differentiated.
  const both = Array.isArray(chosen)
    ? chosen.find((name) => frozen.includes(name)) as string | undefined
    : undefined;
  if (both !== undefined) {
    throw new TypeError(`Cannot train "${both}": it is to be frozen, too`);
  }
  const twice = Array.isArray(chosen)
    ? chosen.find((name, k) => chosen.indexOf(name) !== k) as string | undefined
    : undefined;
  if (twice !== undefined) throw new TypeError(`Cannot train "${twice}": it is listed twice`);
  if (chosen !== undefined || frozen.length === 0) return chosen ?? source.trainable;
  const usual = source.trainable ?? lossGraph(source.model, {}).parameters;
  return usual.filter((name) => !frozen.includes(name));
}
