/**
 * The attributes of all operators: those of {@linkcode attributeKinds}, and those of operators that no
 * rule knows.
 *
 * @module
 */
import { attributeKinds, type Kinds, parsed } from "./attribute_kinds.ts";

// Of onnx 1.23, from operator set 7 on.
const WITHOUT = `
Det DynamicQuantizeLinear MatMulInteger OptionalGetElement OptionalHasElement QLinearMatMul
SequenceLength StringConcat`;

const WITH = `
Bernoulli dtype:i seed:f
BitCast to:i
BlackmanWindow output_datatype:i periodic:i
CausalConvWithState activation:s
Constant sparse_value:x value:t value_float:f value_floats:F value_int:i value_ints:I value_string:s value_strings:S
ConvInteger auto_pad:s dilations:I group:i kernel_shape:I pads:I strides:I
DFT axis:i inverse:i onesided:i
DeformConv dilations:I group:i kernel_shape:I offset_group:i pads:I strides:I
HammingWindow output_datatype:i periodic:i
HannWindow output_datatype:i periodic:i
If else_branch:g then_branch:g
ImageDecoder pixel_format:s
LRN alpha:f beta:f bias:f size:i
LinearAttention chunk_size:i kv_num_heads:i q_num_heads:i scale:f update_rule:s
Loop body:g
MaxRoiPool pooled_shape:I spatial_scale:f
MaxUnpool kernel_shape:I pads:I strides:I
MelWeightMatrix output_datatype:i
Multinomial dtype:i sample_size:i seed:f
NonMaxSuppression center_point_box:i
Optional type:y
QLinearConv auto_pad:s dilations:I group:i kernel_shape:I pads:I strides:I
QuantizeLinear axis:i block_size:i output_dtype:i precision:i saturate:i
RandomNormal dtype:i mean:f scale:f seed:f shape:I
RandomNormalLike dtype:i mean:f scale:f seed:f
RandomUniform dtype:i high:f low:f seed:f shape:I
RandomUniformLike dtype:i high:f low:f seed:f
RegexFullMatch pattern:s
ReverseSequence batch_axis:i time_axis:i
RoiAlign coordinate_transformation_mode:s mode:s output_height:i output_width:i sampling_ratio:i spatial_scale:f
STFT onesided:i
Scan body:g directions:I num_scan_inputs:i scan_input_axes:I scan_input_directions:I scan_output_axes:I scan_output_directions:I
SequenceMap body:g
StringNormalizer case_change_action:s is_case_sensitive:i locale:s stopwords:S
StringSplit delimiter:s maxsplit:i
TensorScatter axis:i mode:s
TfIdfVectorizer max_gram_length:i max_skip_count:i min_gram_length:i mode:s ngram_counts:I ngram_indexes:I pool_int64s:I pool_strings:S weights:F
Unique axis:i sorted:i
`;

const further: ReadonlyMap<string, Kinds> = new Map([
  ...parsed(WITH),
  ...parsed(WITHOUT.replaceAll(/\s+/g, "\n")),
]);

/** The attributes of any operator with their kinds; undefined for one that is not known. */
export function allAttributeKinds(opType: string, domain: string): Kinds | undefined {
  return attributeKinds(opType, domain) ??
    (domain === "" || domain === "ai.onnx" ? further.get(opType) : undefined);
}
