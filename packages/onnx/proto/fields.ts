// Made by `deno task proto:write` from onnx.proto.
/**
 * The fields of each message: number, kind and name. Kinds are varints `v`, numbers of 64 bits `d`
 * and of 32 bits `f`, strings `s`, bytes `b` and messages, by name; a `*` follows what is repeated.
 */
export const FIELDS: Readonly<Record<string, string>> = {
  AttributeProto:
    "1 s name,21 s ref_attr_name,13 s doc_string,20 v type,2 f f,3 v i,4 b s,5 TensorProto t,6 GraphProto g,22 SparseTensorProto sparse_tensor,14 TypeProto tp,7 f* floats,8 v* ints,9 b* strings,10 TensorProto* tensors,11 GraphProto* graphs,23 SparseTensorProto* sparse_tensors,15 TypeProto* type_protos",
  ValueInfoProto:
    "1 s name,2 TypeProto type,3 s doc_string,4 StringStringEntryProto* metadata_props",
  NodeProto:
    "1 s* input,2 s* output,3 s name,4 s op_type,7 s domain,8 s overload,5 AttributeProto* attribute,6 s doc_string,9 StringStringEntryProto* metadata_props",
  ModelProto:
    "1 v ir_version,8 OperatorSetIdProto* opset_import,2 s producer_name,3 s producer_version,4 s domain,5 v model_version,6 s doc_string,7 GraphProto graph,14 StringStringEntryProto* metadata_props,25 FunctionProto* functions",
  StringStringEntryProto: "1 s key,2 s value",
  TensorAnnotation: "1 s tensor_name,2 StringStringEntryProto* quant_parameter_tensor_names",
  GraphProto:
    "1 NodeProto* node,2 s name,5 TensorProto* initializer,15 SparseTensorProto* sparse_initializer,10 s doc_string,11 ValueInfoProto* input,12 ValueInfoProto* output,13 ValueInfoProto* value_info,14 TensorAnnotation* quantization_annotation,16 StringStringEntryProto* metadata_props",
  TensorProto:
    "1 v* dims,2 v data_type,3 Segment segment,4 f* float_data,5 v* int32_data,6 b* string_data,7 v* int64_data,8 s name,12 s doc_string,9 b raw_data,13 StringStringEntryProto* external_data,14 v data_location,10 d* double_data,11 v* uint64_data,16 StringStringEntryProto* metadata_props",
  Segment: "1 v begin,2 v end",
  SparseTensorProto: "1 TensorProto values,2 TensorProto indices,3 v* dims",
  TensorShapeProto: "1 Dimension* dim",
  Dimension: "1 v dim_value,2 s dim_param,3 s denotation",
  TypeProto:
    "1 Tensor tensor_type,4 Sequence sequence_type,5 Map map_type,8 SparseTensor sparse_tensor_type,9 Optional optional_type,6 s denotation",
  Tensor: "1 v elem_type,2 TensorShapeProto shape",
  Sequence: "1 TypeProto elem_type",
  Map: "1 v key_type,2 TypeProto value_type",
  Optional: "1 TypeProto elem_type",
  SparseTensor: "1 v elem_type,2 TensorShapeProto shape",
  OperatorSetIdProto: "1 s domain,2 v version",
  FunctionProto:
    "1 s name,4 s* input,5 s* output,6 s* attribute,11 AttributeProto* attribute_proto,7 NodeProto* node,8 s doc_string,9 OperatorSetIdProto* opset_import,10 s domain,13 s overload,12 ValueInfoProto* value_info,14 StringStringEntryProto* metadata_props",
};
