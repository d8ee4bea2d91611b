/** @module */
import { arrayFor } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { makeTensor, tensorData, tensorDims, tensorIntegers } from "../model/tensor.ts";
import type { ModelProto, SparseTensorProto, TensorProto } from "../proto/onnx_pb.ts";

/** Elements that a sparse tensor may stand for: a damaged file may claim any shape. */
const MOST_ELEMENTS = 2 ** 28;

/**
 * A model whose sparse initializers are dense ones: parameters as any other, which are listed, trained
 * and fed. The same model where there are none.
 *
 * @throws {OnnxError} For indices that do not fit, by the tensor's name.
 */
export function denseInitializers(model: ModelProto): ModelProto {
  const graph = model.graph;
  if (graph === undefined || graph.sparseInitializer.length === 0) return model;
  return {
    ...model,
    graph: {
      ...graph,
      initializer: [...graph.initializer, ...graph.sparseInitializer.map(dense)],
      sparseInitializer: [],
    },
  };
}

function dense({ values, indices, dims: given }: SparseTensorProto): TensorProto {
  const name = values?.name ?? "";
  const refuse = (why: string): never => {
    throw new OnnxError(`Cannot read the sparse tensor "${name}": ${why}`, { node: name });
  };
  if (values === undefined || indices === undefined) {
    return refuse("it lacks its values or indices");
  }
  const dims = given.map((d) => d >= 0n ? Number(d) : refuse(`its shape is [${given}]`));
  const size = dims.reduce((a, d) => a * d, 1);
  if (size > MOST_ELEMENTS) {
    return refuse(`its shape [${dims}] has more than ${MOST_ELEMENTS} elements`);
  }
  const [stored, places] = [tensorData(values), tensorIntegers(indices)];
  const count = stored.length;
  const linear = indices.dims.length === 1;
  const expected = linear ? [count] : [count, dims.length];
  if (String(tensorDims(indices)) !== String(expected)) {
    return refuse(`its indices have shape [${indices.dims}], expected [${expected}]`);
  }
  const data = new (arrayFor(values.dataType, name))(size);
  for (let k = 0; k < count; k++) {
    const at = linear ? [places[k]!] : places.slice(k * dims.length, (k + 1) * dims.length);
    const bounds = linear ? [size] : dims;
    if (at.some((i, axis) => !(i >= 0 && i < bounds[axis]!))) {
      refuse(`index [${at}] is outside of its shape [${dims}]`);
    }
    data[at.reduce((sum, i, axis) => sum * bounds[axis]! + i, 0)] = stored[k]!;
  }
  return makeTensor(name, values.dataType, dims, data);
}
