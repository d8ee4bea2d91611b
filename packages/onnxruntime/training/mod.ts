/**
 * The removed training API of onnxruntime-web 1.17 to 1.19, on its current builds: change the import
 * of `"onnxruntime-web/training"` to `"@precond/onnxruntime/training"`.
 *
 * @module
 */
import * as ort from "onnxruntime-web";
import type { Ort } from "../hosts/ort.ts";
import {
  createTrainingSession,
  type TrainingSession as Session,
  type TrainingSessionCreateOptions,
  type TrainingSessionOptions,
} from "./training_session.ts";

export * from "onnxruntime-web";
export { createTrainingSession };
export type { TrainingSessionCreateOptions, TrainingSessionOptions };
export type { UriOrBuffer } from "./training_session.ts";
/** A training session. */
export type TrainingSession = Session;
/** Makes training sessions on onnxruntime-web. */
export const TrainingSession: {
  create(
    files: TrainingSessionCreateOptions,
    options?: TrainingSessionOptions,
  ): Promise<TrainingSession>;
} = {
  create: (files, options) => createTrainingSession(ort as unknown as Ort, files, options),
};
