/** @module */
import { create } from "@bufbuild/protobuf";
import type { Builder } from "../graph/builder.ts";
import type { Dim } from "../graph/dims.ts";
import { type ValueInfoProto, ValueInfoProtoSchema } from "../proto/onnx_pb.ts";
import type { DataType } from "./data_type.ts";

/** A value's declaration. */
export function valueInfo(b: Builder, name: string): ValueInfoProto {
  const type = b.type(name);
  if (type === undefined) return create(ValueInfoProtoSchema, { name });
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
        typeof d === "number"
          ? { value: { case: "dimValue" as const, value: BigInt(d) } }
          : { value: { case: "dimParam" as const, value: d } }
      ),
    },
  };
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType, ...shape } } },
  });
}
