/**
 * Models as ONNX Runtime takes them.
 *
 * @module
 */
import type { ModelProto, TensorProto } from "@precond/onnx";
import { writeModel } from "@precond/onnx/on_demand";
import type { InferenceSession } from "./ort.ts";

/** From this many bytes on a tensor is handed over beside the file. */
const LARGE = 2 ** 20;

/** A model's file, and large tensors that ONNX Runtime reads from where they are. */
export interface ModelFile {
  readonly bytes: Uint8Array;
  readonly options: InferenceSession.SessionOptions;
}

/**
 * Frozen weights, say, are constants of every graph: in its file they would be there twice more while
 * a session is opened, and a file ends at 2 GB.
 */
export function modelFile(
  model: ModelProto,
  options: InferenceSession.SessionOptions,
): ModelFile {
  // What the caller says of data, or wants to be saved, is the caller's.
  const { externalData, optimizedModelFilePath } = options;
  const apart = externalData === undefined && optimizedModelFilePath === undefined;
  const large = apart ? model.graph!.initializer.filter(isLarge) : [];
  if (large.length === 0) return { bytes: writeModel(model), options };
  const paths = new Map(large.map((tensor, k) => [tensor, `precond_${k}`]));
  const initializer = model.graph!.initializer.map((tensor): TensorProto => {
    const path = paths.get(tensor);
    if (path === undefined) return tensor;
    const { rawData, ...rest } = tensor;
    const entries = { location: path, offset: 0, length: rawData!.byteLength };
    return {
      ...rest,
      dataLocation: 1,
      externalData: Object.entries(entries).map(([key, value]) => ({
        key,
        value: String(value),
      })),
    };
  });
  return {
    bytes: writeModel({ ...model, graph: { ...model.graph!, initializer } }),
    options: {
      ...options,
      externalData: large.map((tensor) => ({ path: paths.get(tensor)!, data: tensor.rawData! })),
    },
  };
}

const isLarge = ({ rawData, dataLocation }: TensorProto) =>
  dataLocation !== 1 && rawData !== undefined && rawData.byteLength >= LARGE;
