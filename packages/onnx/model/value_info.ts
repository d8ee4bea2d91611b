/** @module */
import type { Builder } from "../graph/builder.ts";
import type { Dim } from "../graph/dims.ts";
import { create } from "../proto/create.ts";
import { TensorShapeProto_Dimension, TypeProto, ValueInfoProto } from "../proto/onnx_pb.ts";
import type { DataType } from "./data_type.ts";

/** A value's declaration. */
export function valueInfo(b: Builder, name: string): ValueInfoProto {
  const type = b.type(name);
  if (type === undefined) return create(ValueInfoProto, { name });
  return declaration(name, type.dataType, type.dims);
}

/** Declares a tensor. */
export function declaration(
  name: string,
  elemType: DataType,
  dims: readonly Dim[] | undefined,
): ValueInfoProto {
  const shape = dims === undefined ? {} : {
    shape: {
      dim: dims.map((d) =>
        create(TensorShapeProto_Dimension, {
          value: typeof d === "number"
            ? { $case: "dimValue", value: BigInt(d) }
            : { $case: "dimParam", value: d },
        })
      ),
    },
  };
  return create(ValueInfoProto, {
    name,
    type: create(TypeProto, { value: { $case: "tensorType", value: { elemType, ...shape } } }),
  });
}
