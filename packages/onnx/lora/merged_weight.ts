/** @module */
import { DataType, dataTypeName } from "../model/data_type.ts";
import { halfBits, halfValue } from "../model/half.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { bytesOf, makeTensor, tensorData, tensorDims } from "../model/tensor.ts";
import type { TensorProto } from "../proto/onnx_pb.ts";
import type { FoundLayer } from "./layers.ts";

/** `W + scale · AB` as the weight is stored, summed in float64; of a convolution `BA`. */
export function mergedWeight(
  { kind, dims, turned, source, factor }: FoundLayer,
  { a, b, scale }: { readonly a: TensorProto; readonly b: TensorProto; readonly scale: number },
): TensorProto {
  const stored = source.tensor;
  const values = numbersOf(stored);
  const [left, right] = kind === "conv" ? [b, a] : [a, b];
  const rows = tensorDims(left)[0]!;
  const rank = kind === "conv" ? tensorDims(a)[0]! : tensorDims(a)[1]!;
  const columns = dims.reduce((x, y) => x * y, 1) / rows;
  const [l, r] = [numbersOf(left), numbersOf(right)];
  // A Transpose before the node or one in it: "turned" counts both.
  const isTurned = kind === "linear" && turned;
  // The node multiplies its weight by alpha, not the adapter.
  const share = scale / factor;
  const row = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    row.fill(0);
    for (let k = 0; k < rank; k++) {
      const x = l[i * rank + k]!;
      for (let j = 0; j < columns; j++) row[j]! += x * r[k * columns + j]!;
    }
    for (let j = 0; j < columns; j++) {
      values[isTurned ? j * rows + i : i * columns + j]! += share * row[j]!;
    }
  }
  const { name, dataType } = stored;
  const shape = tensorDims(stored);
  return {
    ...makeTensor(name, dataType, shape, typed(values, dataType)),
    docString: stored.docString,
  };
}

/** The elements of a float tensor. */
function numbersOf(tensor: TensorProto): Float64Array {
  const data = tensorData(tensor);
  switch (tensor.dataType) {
    case DataType.FLOAT:
    case DataType.DOUBLE:
      return Float64Array.from(data as Float32Array);
    case DataType.FLOAT16:
      return Float64Array.from(data as Uint16Array, halfValue);
    case DataType.BFLOAT16: {
      const wide = Uint32Array.from(data as Uint16Array, (bits) => bits << 16);
      return Float64Array.from(new Float32Array(wide.buffer));
    }
    default:
      throw new OnnxError(
        `Cannot merge an adapter into "${tensor.name}": expected a float type, actual is ${
          dataTypeName(tensor.dataType)
        }`,
      );
  }
}

function typed(values: Float64Array, dataType: DataType) {
  switch (dataType) {
    case DataType.DOUBLE:
      return values;
    case DataType.FLOAT16:
      return Uint16Array.from(values, halfBits);
    case DataType.BFLOAT16:
      return Uint16Array.from(values, bfloatBits);
    default:
      return new Float32Array(values);
  }
}

/** The upper half of a float32, rounded to nearest even. */
function bfloatBits(value: number): number {
  const bits = new Uint32Array(bytesOf(Float32Array.of(value)).buffer)[0]!;
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40; // NaN stays NaN
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
