/**
 * The attributes of operators, by name and type: what turns a JavaScript number into a float or an
 * integer, and tells an attribute that the rules do not know.
 *
 * @module
 */
import type { NodeProto } from "../proto/onnx_pb.ts";

/**
 * Kinds of attributes: float, integer, string, tensor, graph, sparse tensor (x), type (y); capital
 * letters are lists.
 */
export type AttributeKind = "f" | "i" | "s" | "t" | "g" | "F" | "I" | "S" | "x" | "y";

/** Newest operator set whose attributes are listed: set 28 gives SpaceToDepth a mode. */
export const NEWEST_KNOWN_OPSET = 27;

// Of onnx 1.23, from operator set 7 on.
const WITHOUT = `
Abs Acos Acosh Add And Asin Asinh Atan Atanh BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Ceil Cos
Cosh Det Div DynamicQuantizeLinear Equal Erf Exp Expand Floor GlobalAveragePool GlobalMaxPool
Greater GreaterOrEqual HardSwish Identity IsNaN Less LessOrEqual Log MatMul MatMulInteger Max Mean
Min Mish Mul Neg NonZero Not OptionalGetElement OptionalHasElement Or PRelu Pow QLinearMatMul
Reciprocal Relu Round SequenceAt SequenceConstruct SequenceErase SequenceInsert SequenceLength
Sigmoid Sign Sin Sinh Size Softplus Softsign Sqrt StringConcat Sub Sum Tan Tanh Tile Where Xor`;

const WITH = `
AffineGrid align_corners:i
ArgMax axis:i keepdims:i select_last_index:i
ArgMin axis:i keepdims:i select_last_index:i
Attention is_causal:i kv_num_heads:i left_window_size:i q_num_heads:i qk_matmul_output_mode:i right_window_size:i scale:f softcap:f softmax_precision:i
AveragePool auto_pad:s ceil_mode:i count_include_pad:i dilations:I kernel_shape:I pads:I strides:I
BatchNormalization epsilon:f momentum:f spatial:i training_mode:i
Bernoulli dtype:i seed:f
BitCast to:i
BitShift direction:s
BlackmanWindow output_datatype:i periodic:i
Cast round_mode:s saturate:i to:i
CastLike round_mode:s saturate:i
CausalConvWithState activation:s
Celu alpha:f
CenterCropPad axes:I
Clip max:f min:f
Col2Im dilations:I pads:I strides:I
Compress axis:i
Concat axis:i
ConcatFromSequence axis:i new_axis:i
Constant sparse_value:x value:t value_float:f value_floats:F value_int:i value_ints:I value_string:s value_strings:S
ConstantOfShape value:t
Conv auto_pad:s dilations:I group:i kernel_shape:I pads:I strides:I
ConvInteger auto_pad:s dilations:I group:i kernel_shape:I pads:I strides:I
ConvTranspose auto_pad:s dilations:I group:i kernel_shape:I output_padding:I output_shape:I pads:I strides:I
CumProd exclusive:i reverse:i
CumSum exclusive:i reverse:i
DFT axis:i inverse:i onesided:i
DeformConv dilations:I group:i kernel_shape:I offset_group:i pads:I strides:I
DepthToSpace blocksize:i mode:s
DequantizeLinear axis:i block_size:i output_dtype:i
Dropout ratio:f seed:i
Einsum equation:s
Elu alpha:f
EyeLike dtype:i k:i
Flatten axis:i
GRU activation_alpha:F activation_beta:F activations:S clip:f direction:s hidden_size:i layout:i linear_before_reset:i
Gather axis:i
GatherElements axis:i
GatherND batch_dims:i
Gelu approximate:s
Gemm alpha:f beta:f transA:i transB:i
GlobalLpPool p:i
GridSample align_corners:i mode:s padding_mode:s
GroupNormalization epsilon:f num_groups:i stash_type:i
HammingWindow output_datatype:i periodic:i
HannWindow output_datatype:i periodic:i
HardSigmoid alpha:f beta:f
Hardmax axis:i
If else_branch:g then_branch:g
ImageDecoder pixel_format:s
InstanceNormalization epsilon:f
IsInf detect_negative:i detect_positive:i
LRN alpha:f beta:f bias:f size:i
LSTM activation_alpha:F activation_beta:F activations:S clip:f direction:s hidden_size:i input_forget:i layout:i
LayerNormalization axis:i epsilon:f stash_type:i
LeakyRelu alpha:f
LinearAttention chunk_size:i kv_num_heads:i q_num_heads:i scale:f update_rule:s
LogSoftmax axis:i
Loop body:g
LpNormalization axis:i p:i
LpPool auto_pad:s ceil_mode:i dilations:I kernel_shape:I p:i pads:I strides:I
MaxPool auto_pad:s ceil_mode:i dilations:I kernel_shape:I pads:I storage_order:i strides:I
MaxRoiPool pooled_shape:I spatial_scale:f
MaxUnpool kernel_shape:I pads:I strides:I
MeanVarianceNormalization axes:I
MelWeightMatrix output_datatype:i
Mod fmod:i
Multinomial dtype:i sample_size:i seed:f
NegativeLogLikelihoodLoss ignore_index:i reduction:s
NonMaxSuppression center_point_box:i
OneHot axis:i
Optional type:y
Pad mode:s pads:I value:f
QLinearConv auto_pad:s dilations:I group:i kernel_shape:I pads:I strides:I
QuantizeLinear axis:i block_size:i output_dtype:i precision:i saturate:i
RMSNormalization axis:i epsilon:f stash_type:i
RNN activation_alpha:F activation_beta:F activations:S clip:f direction:s hidden_size:i layout:i
RandomNormal dtype:i mean:f scale:f seed:f shape:I
RandomNormalLike dtype:i mean:f scale:f seed:f
RandomUniform dtype:i high:f low:f seed:f shape:I
RandomUniformLike dtype:i high:f low:f seed:f
Range stash_type:i
ReduceL1 axes:I keepdims:i noop_with_empty_axes:i
ReduceL2 axes:I keepdims:i noop_with_empty_axes:i
ReduceLogSum axes:I keepdims:i noop_with_empty_axes:i
ReduceLogSumExp axes:I keepdims:i noop_with_empty_axes:i
ReduceMax axes:I keepdims:i noop_with_empty_axes:i
ReduceMean axes:I keepdims:i noop_with_empty_axes:i
ReduceMin axes:I keepdims:i noop_with_empty_axes:i
ReduceProd axes:I keepdims:i noop_with_empty_axes:i
ReduceSum axes:I keepdims:i noop_with_empty_axes:i
ReduceSumSquare axes:I keepdims:i noop_with_empty_axes:i
RegexFullMatch pattern:s
Reshape allowzero:i
Resize antialias:i axes:I coordinate_transformation_mode:s cubic_coeff_a:f exclude_outside:i extrapolation_value:f keep_aspect_ratio_policy:s mode:s nearest_mode:s
ReverseSequence batch_axis:i time_axis:i
RoiAlign coordinate_transformation_mode:s mode:s output_height:i output_width:i sampling_ratio:i spatial_scale:f
RotaryEmbedding interleaved:i num_heads:i rotary_embedding_dim:i
STFT onesided:i
Scan body:g directions:I num_scan_inputs:i scan_input_axes:I scan_input_directions:I scan_output_axes:I scan_output_directions:I
Scatter axis:i
ScatterElements axis:i reduction:s
ScatterND reduction:s
Selu alpha:f gamma:f
SequenceEmpty dtype:i
SequenceMap body:g
Shape end:i start:i
Shrink bias:f lambd:f
Slice axes:I ends:I starts:I
Softmax axis:i
SoftmaxCrossEntropyLoss ignore_index:i reduction:s
SpaceToDepth blocksize:i
Split axis:i num_outputs:i split:I
SplitToSequence axis:i keepdims:i
Squeeze axes:I
StringNormalizer case_change_action:s is_case_sensitive:i locale:s stopwords:S
StringSplit delimiter:s maxsplit:i
Swish alpha:f
TensorScatter axis:i mode:s
TfIdfVectorizer max_gram_length:i max_skip_count:i min_gram_length:i mode:s ngram_counts:I ngram_indexes:I pool_int64s:I pool_strings:S weights:F
ThresholdedRelu alpha:f
TopK axis:i k:i largest:i sorted:i
Transpose perm:I
Trilu upper:i
Unique axis:i sorted:i
Unsqueeze axes:I
Upsample mode:s scales:F
SimplifiedLayerNormalization axis:i epsilon:f stash_type:i
`;

/** ONNX Runtime's own operators that have a rule. */
const CONTRIBUTED = `
BatchNormInternal epsilon:f momentum:f training_mode:i
BiasGelu
ConcatTraining axis:i
FastGelu
FusedMatMul alpha:f transA:i transB:i transBatchA:i transBatchB:i
GRUTraining activation_alpha:F activation_beta:F activations:S clip:f direction:s hidden_size:i layout:i linear_before_reset:i
Gelu
LSTMTraining activation_alpha:F activation_beta:F activations:S clip:f direction:s hidden_size:i input_forget:i layout:i
QuickGelu alpha:f
Scale scale:f scale_down:i
SkipLayerNormalization epsilon:f
SkipSimplifiedLayerNormalization epsilon:f
SoftmaxCrossEntropyLossInternal output_type:i reduction:s
`;

type Kinds = ReadonlyMap<string, AttributeKind>;

const parsed = (table: string): [string, Kinds][] =>
  table.trim().split("\n").map((line) => {
    const [name, ...attributes] = line.split(" ");
    const kinds = attributes.map((a) => a.split(":") as [string, AttributeKind]);
    return [name!, new Map(kinds)];
  });

const tables: Readonly<Record<string, ReadonlyMap<string, Kinds>>> = {
  "": new Map([...parsed(WITH), ...parsed(WITHOUT.replaceAll(/\s+/g, "\n"))]),
  "com.microsoft": new Map(parsed(CONTRIBUTED)),
};

/** The attributes of an operator with their kinds; undefined for an operator that is not known. */
export function attributeKinds(opType: string, domain: string): Kinds | undefined {
  return tables[domain === "ai.onnx" ? "" : domain]?.get(opType);
}

/** The first attribute of a node that its operator is not known to have. */
export function unknownAttribute(
  { opType, domain, attribute }: Pick<NodeProto, "opType" | "domain" | "attribute">,
): string | undefined {
  if (attribute.length === 0) return undefined;
  const kinds = attributeKinds(opType, domain);
  return kinds === undefined ? undefined : attribute.find((a) => !kinds.has(a.name))?.name;
}
