/**
 * The removed training API of onnxruntime-web 1.17 to 1.19, on its current builds: change the import
 * of `"onnxruntime-web/training"` to `"@precond/onnxruntime/training"`.
 *
 * @module
 */
import * as ort from "onnxruntime-web";
import type { Ort } from "../hosts/ort.ts";
import type {
  TrainingSession as Session,
  TrainingSessionCreateOptions,
  TrainingSessionOptions,
} from "./training_session.ts";

export * from "onnxruntime-web";
export type { TrainingSessionCreateOptions, TrainingSessionOptions };
export type { UriOrBuffer } from "./training_session.ts";
/** A training session. */
export type TrainingSession = Session;
/**
 * Opens training artifacts with a build of ONNX Runtime that has no training. What trains is loaded
 * with the first session: pages that only infer do without it.
 *
 * @throws As `createTrainingSession()` of `@precond/onnxruntime` does.
 */
export async function createTrainingSession(
  ort: Ort,
  files: TrainingSessionCreateOptions,
  options?: TrainingSessionOptions,
): Promise<TrainingSession> {
  const { createTrainingSession: create } = await import("./training_session.ts");
  return await create(ort, files, options);
}
/** Makes training sessions on onnxruntime-web. */
export const TrainingSession: {
  create(
    files: TrainingSessionCreateOptions,
    options?: TrainingSessionOptions,
  ): Promise<TrainingSession>;
} = {
  create: (files, options) => createTrainingSession(ort as unknown as Ort, files, options),
};
