/**
 * Families of rules that are loaded when a graph has one of their operators.
 *
 * @module
 */
import type { OperatorRule } from "../graph/rule.ts";

/** The rules of one file. */
export interface Family {
  /** Their operators, those of another domain than ONNX's own as "domain:operator". */
  readonly operators: string;
  load(): Promise<readonly OperatorRule[]>;
}

/** All but those that are always there. */
export const families: readonly Family[] = [
  {
    operators: "Gather GatherElements GatherND",
    load: async () => (await import("./gather.ts")).gathers,
  },
  {
    operators: "Concat Split",
    load: async () => (await import("./joins.ts")).joins,
  },
  {
    operators: "Pad",
    load: async () => (await import("./pads.ts")).pads,
  },
  {
    operators: "Resize Upsample",
    load: async () => (await import("./resize.ts")).resizes,
  },
  {
    operators: "ScatterElements Scatter ScatterND",
    load: async () => (await import("./scatter.ts")).scatters,
  },
  {
    operators: "OneHot ArgMax ArgMin TopK Compress",
    load: async () => (await import("./selection.ts")).selections,
  },
  {
    operators: "Slice",
    load: async () => (await import("./slices.ts")).slices,
  },
  {
    operators: "Transpose",
    load: async () => (await import("./transpose.ts")).transposes,
  },
  {
    operators: "Tile Trilu DepthToSpace SpaceToDepth",
    load: async () => (await import("./structure.ts")).structure,
  },
  {
    operators:
      "Relu ThresholdedRelu LeakyRelu PRelu Elu Selu Celu Sigmoid Tanh HardSigmoid HardSwish Swish Mish Softplus Softsign Shrink",
    load: async () => (await import("./activations.ts")).activations,
  },
  {
    operators: "Max Min Clip",
    load: async () => (await import("./extrema.ts")).extrema,
  },
  {
    operators:
      "Gelu com.microsoft:Gelu com.microsoft:BiasGelu com.microsoft:FastGelu com.microsoft:QuickGelu",
    load: async () => (await import("./gelu.ts")).gelus,
  },
  {
    operators: "Pow",
    load: async () => (await import("./powers.ts")).powers,
  },
  {
    operators: "Sin Cos Tan Sinh Cosh Asin Acos Atan Asinh Acosh Atanh",
    load: async () => (await import("./trigonometry.ts")).trigonometry,
  },
  {
    operators: "Conv",
    load: async () => (await import("./convolution/conv.ts")).convolution,
  },
  {
    operators: "ConvTranspose",
    load: async () => (await import("./convolution/conv_transpose.ts")).transposedConvolution,
  },
  {
    operators: "ReduceProd CumSum",
    load: async () => (await import("./products.ts")).products,
  },
  {
    operators: "Softmax LogSoftmax Hardmax",
    load: async () => (await import("./softmax.ts")).softmaxes,
  },
  {
    operators: "SoftmaxCrossEntropyLoss NegativeLogLikelihoodLoss",
    load: async () => (await import("./cross_entropy.ts")).crossEntropies,
  },
  {
    operators: "MaxPool",
    load: async () => (await import("./pooling/max_pooling.ts")).maxPooling,
  },
  {
    operators: "AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool",
    load: async () => (await import("./pooling/pooling.ts")).pooling,
  },
  {
    operators: "LayerNormalization RMSNormalization",
    load: async () => (await import("./normalization/layer_normalization.ts")).layerNormalizations,
  },
  {
    operators: "InstanceNormalization GroupNormalization LpNormalization MeanVarianceNormalization",
    load: async () =>
      (await import("./normalization/instance_normalization.ts")).instanceNormalizations,
  },
  {
    operators: "BatchNormalization",
    load: async () => (await import("./normalization/batch_normalization.ts")).batchNormalizations,
  },
  {
    operators:
      "com.microsoft:FusedMatMul com.microsoft:ConcatTraining com.microsoft:SoftmaxCrossEntropyLossInternal com.microsoft:Scale",
    load: async () => (await import("./contributed.ts")).contributed,
  },
  {
    operators:
      "SimplifiedLayerNormalization com.microsoft:SkipLayerNormalization com.microsoft:SkipSimplifiedLayerNormalization com.microsoft:BatchNormInternal",
    load: async () =>
      (await import("./normalization/contributed_normalization.ts")).contributedNormalizations,
  },
  {
    operators: "Dropout RandomNormalLike RandomUniformLike",
    load: async () => (await import("./dropout.ts")).dropouts,
  },
  {
    operators: "Einsum",
    load: async () => (await import("./einsum.ts")).einsums,
  },
  {
    operators: "RNN GRU LSTM com.microsoft:GRUTraining com.microsoft:LSTMTraining",
    load: async () => (await import("./recurrent/recurrent.ts")).recurrents,
  },
  {
    operators: "Attention RotaryEmbedding",
    load: async () => (await import("./attention/attention.ts")).attentions,
  },
  {
    operators: "GridSample",
    load: async () => (await import("./images/grid_sample.ts")).gridSamples,
  },
  {
    operators: "CenterCropPad Col2Im AffineGrid CumProd",
    load: async () => (await import("./images/images.ts")).images,
  },
  {
    operators: "DequantizeLinear",
    load: async () => (await import("./quantized.ts")).quantized,
  },
  {
    operators: "com.microsoft:MatMulNBits com.microsoft:GatherBlockQuantized",
    load: async () => (await import("./packed.ts")).packedWeights,
  },
  {
    operators:
      "SplitToSequence SequenceConstruct SequenceEmpty SequenceInsert SequenceErase SequenceAt ConcatFromSequence",
    load: async () => (await import("./sequences.ts")).sequences,
  },
];
