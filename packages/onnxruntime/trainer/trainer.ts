/**
 * The trainer.
 *
 * @module
 */
import type { TrainerOptions } from "../engine/options.ts";
import type { TrainerSource } from "../graphs/source.ts";
import type { Ort } from "../hosts/ort.ts";
import { createTrainer } from "./create.ts";
import type { Trainer as TrainerInterface } from "./trainer_interface.ts";

/** Trains an ONNX model; made by `Trainer.create()`. */
export interface Trainer extends TrainerInterface {}

/** Makes trainers. */
export const Trainer: {
  /**
   * Trains a model on a build of ONNX Runtime that is passed in.
   *
   * @throws {OnnxError} For files and graphs that cannot be taken: nodes without a rule, no trainable
   *   float parameter, a loss on probabilities.
   * @throws {TypeError} For arguments of another type, and parameters that are not float32.
   * @throws {RangeError} For options out of range.
   *
   * @example
   * ```ts
   * import { signalSgd } from "@precond/core";
   * import { type Feeds, Trainer } from "@precond/onnxruntime";
   * import * as ort from "onnxruntime-node";
   *
   * async function train(model: Uint8Array, batches: Iterable<Feeds>): Promise<Uint8Array> {
   *   const trainer = await Trainer.create(ort, { model, loss: { type: "crossEntropy" } }, {
   *     optimizer: signalSgd({ learningRate: 0.1 }),
   *   });
   *   for (const { x, labels } of batches) {
   *     const { loss } = await trainer.step({ x: x!, labels: labels! });
   *     console.log(loss);
   *   }
   *   const trained = await trainer.exportModel();
   *   await trainer.release();
   *   return trained;
   * }
   * ```
   */
  create(ort: Ort, source: TrainerSource, options?: TrainerOptions): Promise<Trainer>;
} = { create: createTrainer };
