/** @module */
import { evidenceLoss, isEvidenceLoss } from "./evidence_loss.ts";
import type { LossFunction, LossName } from "./losses.ts";
import { residuals } from "./residuals.ts";

/** What {@linkcode withEvidence} needs of a `tf.LayersModel` or `tf.Sequential`. */
export interface CompiledModel {
  readonly loss: unknown;
  readonly outputNames: string[];
  lossFunctions: LossFunction[];
}

/**
 * Lets the losses of a compiled model answer the optimizer, as {@linkcode evidenceLoss} does.
 *
 * Where `evidenceLoss` hands tfjs another function, here tfjs keeps the name of its own loss: sparse
 * labels, "accuracy" and `model.save(…, { includeOptimizer: true })` work as ever. Call it again
 * after `compile`, or after loading.
 *
 * @returns The model.
 * @throws {TypeError} If the model is not compiled.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as layers from "@tensorflow/tfjs-layers";
 * import { diagonalNewton, precond, withEvidence } from "@precond/tfjs";
 *
 * const model = layers.sequential();
 * model.add(layers.layers.dense({ units: 3, activation: "softmax", inputShape: [2] }));
 * model.compile({ optimizer: precond(diagonalNewton()), loss: "sparseCategoricalCrossentropy" });
 * withEvidence(model);
 * await model.fit(tf.tensor2d([[1, 0], [0, 1]]), tf.tensor1d([0, 2]), { epochs: 2, verbose: 0 });
 * ```
 */
export function withEvidence<M extends CompiledModel>(model: M): M {
  // A Sequential trains a model within.
  const { model: inner = model } = model as { model?: CompiledModel };
  const { loss, outputNames, lossFunctions } = inner;
  if (!Array.isArray(lossFunctions) || lossFunctions.length === 0) {
    throw new TypeError("Cannot give evidence to the model: it is not compiled");
  }
  inner.lossFunctions = lossFunctions.map((f, i) => {
    if (isEvidenceLoss(f)) return f;
    const entry = typeof loss === "string"
      ? loss
      : Array.isArray(loss)
      ? loss[i]
      : (loss as Record<string, unknown>)[outputNames[i]!];
    // tfjs's own function under its name, with which labels can be drawn.
    const known = typeof entry === "string" && Object.hasOwn(residuals, entry);
    return evidenceLoss(f, known ? { like: entry as LossName } : {});
  });
  return model;
}
