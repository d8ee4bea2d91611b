/**
 * The trained model for inference.
 *
 * @module
 */
import { DataType, exportInferenceModel, makeTensor, writeModel } from "@precond/onnx";
import type { Setup } from "../engine/set_up.ts";

/**
 * The source's forward pass, out of training mode, with the trained values for its initializers;
 * frozen parameters may have been set, running statistics have moved.
 */
export async function exportTrained<A>(
  { host, parameters, fixed, plan }: Setup<A>,
): Promise<Uint8Array> {
  const { evaluation, predictions } = plan.source;
  const arrays = [
    ...parameters.map(({ name, dims, weights }) => ({ name, dims, array: weights })),
    ...fixed.map(({ name, dims, current }) => ({ name, dims, array: current })),
  ];
  const tensors = await Promise.all(
    arrays.map(async ({ name, dims, array }) =>
      makeTensor(name, DataType.FLOAT, dims, await host.backend.read(array))
    ),
  );
  const options = predictions.length === 0 ? {} : { outputs: predictions };
  return writeModel(exportInferenceModel(evaluation.model, tensors, options));
}
