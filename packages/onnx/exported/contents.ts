/**
 * What the numbers of a tensor say about what it is; nothing where they are not in the file.
 *
 * @module
 */
import { bytesPerElement, DataType } from "../model/data_type.ts";
import { tensorData, tensorSize } from "../model/tensor.ts";
import type { TensorProto } from "../proto/onnx_pb.ts";

/** The elements of a tensor that are in the file; undefined where they lie elsewhere. */
function elementsOf(tensor: TensorProto): Iterable<number> | undefined {
  const readable = tensor.dataType === DataType.FLOAT || tensor.dataType === DataType.DOUBLE;
  if (!readable || tensor.dataLocation === 1) return undefined;
  const width = bytesPerElement(tensor.dataType)!;
  if (tensor.rawData !== undefined && tensor.rawData.length !== tensorSize(tensor) * width) {
    return undefined; // another part of the reader says so
  }
  return tensorData(tensor) as Float32Array;
}

/** Whether all elements are one number. */
export function isUniform(tensor: TensorProto, value?: number): boolean {
  const elements = elementsOf(tensor);
  if (elements === undefined) return false;
  let first = value;
  for (const x of elements) if (x !== (first ??= x)) return false;
  return true;
}

/** Numbers that no parameter has: −∞, or the −10⁴ and beyond that stands for it. */
export function isMask(tensor: TensorProto): boolean {
  for (const x of elementsOf(tensor) ?? []) if (!(x > -1e4)) return true;
  return false;
}
