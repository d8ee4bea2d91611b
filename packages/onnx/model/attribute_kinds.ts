/**
 * The attributes of operators that have a rule, by name and type: what turns a JavaScript number into a float or an
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
Cosh Div Equal Erf Exp Expand Floor GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual HardSwish
Identity IsNaN Less LessOrEqual Log MatMul Max Mean Min Mish Mul Neg NonZero Not Or PRelu Pow
Reciprocal Relu Round SequenceAt SequenceConstruct SequenceErase SequenceInsert Sigmoid Sign Sin
Sinh Size Softplus Softsign Sqrt Sub Sum Tan Tanh Tile Where Xor`;

const WITH = `
AffineGrid align_corners:i
ArgMax axis:i keepdims:i select_last_index:i
ArgMin axis:i keepdims:i select_last_index:i
Attention is_causal:i kv_num_heads:i left_window_size:i q_num_heads:i qk_matmul_output_mode:i right_window_size:i scale:f softcap:f softmax_precision:i
AveragePool auto_pad:s ceil_mode:i count_include_pad:i dilations:I kernel_shape:I pads:I strides:I
BatchNormalization epsilon:f momentum:f spatial:i training_mode:i
BitShift direction:s
Cast round_mode:s saturate:i to:i
CastLike round_mode:s saturate:i
Celu alpha:f
CenterCropPad axes:I
Clip max:f min:f
Col2Im dilations:I pads:I strides:I
Compress axis:i
Concat axis:i
ConcatFromSequence axis:i new_axis:i
ConstantOfShape value:t
Conv auto_pad:s dilations:I group:i kernel_shape:I pads:I strides:I
ConvTranspose auto_pad:s dilations:I group:i kernel_shape:I output_padding:I output_shape:I pads:I strides:I
CumProd exclusive:i reverse:i
CumSum exclusive:i reverse:i
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
HardSigmoid alpha:f beta:f
Hardmax axis:i
InstanceNormalization epsilon:f
IsInf detect_negative:i detect_positive:i
LSTM activation_alpha:F activation_beta:F activations:S clip:f direction:s hidden_size:i input_forget:i layout:i
LayerNormalization axis:i epsilon:f stash_type:i
LeakyRelu alpha:f
LogSoftmax axis:i
LpNormalization axis:i p:i
LpPool auto_pad:s ceil_mode:i dilations:I kernel_shape:I p:i pads:I strides:I
MaxPool auto_pad:s ceil_mode:i dilations:I kernel_shape:I pads:I storage_order:i strides:I
MeanVarianceNormalization axes:I
Mod fmod:i
NegativeLogLikelihoodLoss ignore_index:i reduction:s
OneHot axis:i
Pad mode:s pads:I value:f
RMSNormalization axis:i epsilon:f stash_type:i
RNN activation_alpha:F activation_beta:F activations:S clip:f direction:s hidden_size:i layout:i
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
Reshape allowzero:i
Resize antialias:i axes:I coordinate_transformation_mode:s cubic_coeff_a:f exclude_outside:i extrapolation_value:f keep_aspect_ratio_policy:s mode:s nearest_mode:s
RotaryEmbedding interleaved:i num_heads:i rotary_embedding_dim:i
Scatter axis:i
ScatterElements axis:i reduction:s
ScatterND reduction:s
Selu alpha:f gamma:f
SequenceEmpty dtype:i
Shape end:i start:i
Shrink bias:f lambd:f
Slice axes:I ends:I starts:I
Softmax axis:i
SoftmaxCrossEntropyLoss ignore_index:i reduction:s
SpaceToDepth blocksize:i
Split axis:i num_outputs:i split:I
SplitToSequence axis:i keepdims:i
Squeeze axes:I
Swish alpha:f
ThresholdedRelu alpha:f
TopK axis:i k:i largest:i sorted:i
Transpose perm:I
Trilu upper:i
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

/** Attributes by name. */
export type Kinds = ReadonlyMap<string, AttributeKind>;

/** A table of operators, a line each. */
export const parsed = (table: string): [string, Kinds][] =>
  table.trim().split("\n").map((line) => {
    const [name, ...attributes] = line.split(" ");
    const kinds = attributes.map((a) => a.split(":") as [string, AttributeKind]);
    return [name!, new Map(kinds)];
  });

const tables: Readonly<Record<string, ReadonlyMap<string, Kinds>>> = {
  "": new Map([...parsed(WITH), ...parsed(WITHOUT.replaceAll(/\s+/g, "\n"))]),
  "com.microsoft": new Map(parsed(CONTRIBUTED)),
};

/** The attributes of an operator with their kinds; undefined for one that has no rule. */
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
