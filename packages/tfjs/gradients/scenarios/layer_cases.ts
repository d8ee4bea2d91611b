/**
 * Every layer of tfjs-layers that something can be learned through, in the settings whose gradients
 * differ.
 *
 * @module
 */
import {
  layers,
  type LayersModel,
  model,
  sequential,
  type SymbolicTensor,
} from "@tensorflow/tfjs-layers";
import * as tfl from "@tensorflow/tfjs-layers";

/** A layer between given inputs and its output. */
export interface LayerCase {
  /** The layer's name in tfjs-layers. */
  readonly layer: string;
  /** What differs from its defaults, in words. */
  readonly setting?: string;
  /** Shapes of the inputs, with the batch. */
  readonly inputs: readonly number[][];
  readonly make: () => Layer;
  /** Moves standard normal numbers into the layer's domain, and away from kinks. */
  readonly domain?: (x: number, i: number, n: number) => number;
  /** The inputs are indices: no gradient by them. */
  readonly indices?: boolean;
  /** Added to biases, to keep outputs away from kinks. */
  readonly lift?: number;
}

type Layer = Parameters<tfl.Sequential["add"]>[0];

/** A permutation of multiples of .2 around 0: no small step changes which one is the largest. */
const apart = (_: number, i: number, n: number): number => 0.2 * ((29 * i + 3) % n - n / 2) + 0.05;
/** The same, all negative. */
const negative = (x: number, i: number, n: number): number => apart(x, i, n) - 0.1 * n - 1;
/** Away from 0, and from ±1 where some activations have kinks. */
const aside = (x: number): number => x + Math.sign(x) * 0.2;

const image = [2, 5, 4, 3], line = [2, 7, 3], volume = [1, 4, 3, 4, 2], row = [3, 5];

const activations = (
  [
    "elu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "hardSigmoid",
    "softplus",
    "softsign",
    "tanh",
    "softmax",
  ] as const
).map((activation): LayerCase => ({
  layer: "activation",
  setting: activation,
  inputs: [row],
  make: () => layers.activation({ activation }),
  domain: aside,
}));

const others = (["swish", "mish", "gelu", "gelu_new", "linear"] as const).map((
  activation,
): LayerCase => ({
  layer: "activation",
  setting: activation,
  inputs: [row],
  make: () => layers.activation({ activation: activation as "relu" }),
  domain: aside,
}));

const simple: LayerCase[] = [
  { layer: "elu", inputs: [row], make: () => layers.elu(), domain: aside },
  { layer: "reLU", inputs: [row], make: () => layers.reLU(), domain: aside },
  { layer: "leakyReLU", inputs: [row], make: () => layers.leakyReLU(), domain: aside },
  { layer: "prelu", inputs: [row], make: () => layers.prelu(), domain: aside },
  { layer: "softmax", inputs: [row], make: () => layers.softmax() },
  {
    layer: "thresholdedReLU",
    inputs: [row],
    make: () => layers.thresholdedReLU({ theta: 0.1 }),
    domain: aside,
  },
  { layer: "dense", inputs: [row], make: () => layers.dense({ units: 4 }) },
  {
    layer: "dense",
    setting: "tanh, of sequences",
    inputs: [line],
    make: () => layers.dense({ units: 4, activation: "tanh" }),
  },
  { layer: "dropout", inputs: [row], make: () => layers.dropout({ rate: 0.4, seed: 3 }) },
  {
    layer: "spatialDropout1d",
    inputs: [line],
    make: () => layers.spatialDropout1d({ rate: 0.4, seed: 3 }),
  },
  { layer: "flatten", inputs: [line], make: () => layers.flatten() },
  { layer: "repeatVector", inputs: [row], make: () => layers.repeatVector({ n: 3 }) },
  { layer: "reshape", inputs: [line], make: () => layers.reshape({ targetShape: [3, 7] }) },
  { layer: "permute", inputs: [line], make: () => layers.permute({ dims: [2, 1] }) },
  { layer: "masking", inputs: [line], make: () => layers.masking({ maskValue: 0 }) },
  { layer: "rescaling", inputs: [image], make: () => layers.rescaling({ scale: 0.5, offset: 1 }) },
  {
    layer: "embedding",
    inputs: [[4, 6]],
    indices: true,
    make: () => layers.embedding({ inputDim: 7, outputDim: 5 }),
  },
];

const convolutions: LayerCase[] = [
  { layer: "conv1d", inputs: [line], make: () => layers.conv1d({ filters: 4, kernelSize: 3 }) },
  {
    layer: "conv1d",
    setting: "strides, same",
    inputs: [line],
    make: () => layers.conv1d({ filters: 4, kernelSize: 3, strides: 2, padding: "same" }),
  },
  {
    layer: "conv2d",
    inputs: [image],
    make: () => layers.conv2d({ filters: 4, kernelSize: [3, 2] }),
  },
  {
    layer: "conv2d",
    setting: "strides, same",
    inputs: [image],
    make: () => layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: "same" }),
  },
  {
    layer: "conv2d",
    setting: "1×1, elu",
    lift: 4,
    inputs: [image],
    make: () => layers.conv2d({ filters: 4, kernelSize: 1, activation: "elu" }),
  },
  {
    layer: "conv2d",
    setting: "channelsFirst",
    inputs: [image],
    make: () => layers.conv2d({ filters: 4, kernelSize: 3, dataFormat: "channelsFirst" }),
  },
  {
    layer: "conv2d",
    setting: "dilations",
    inputs: [image],
    make: () => layers.conv2d({ filters: 4, kernelSize: 2, dilationRate: 2 }),
  },
  {
    layer: "conv2d",
    setting: "dilations, elu",
    lift: 4,
    inputs: [image],
    make: () => layers.conv2d({ filters: 4, kernelSize: 2, dilationRate: 2, activation: "elu" }),
  },
  {
    layer: "conv2dTranspose",
    inputs: [image],
    make: () => layers.conv2dTranspose({ filters: 4, kernelSize: 3 }),
  },
  {
    layer: "conv2dTranspose",
    setting: "strides, same",
    inputs: [image],
    make: () => layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: "same" }),
  },
  { layer: "conv3d", inputs: [volume], make: () => layers.conv3d({ filters: 3, kernelSize: 2 }) },
  {
    layer: "conv3d",
    setting: "strides, same",
    inputs: [volume],
    make: () => layers.conv3d({ filters: 3, kernelSize: 2, strides: 2, padding: "same" }),
  },
  {
    layer: "conv3dTranspose",
    inputs: [volume],
    make: () => layers.conv3dTranspose({ filters: 3, kernelSize: 2 }),
  },
  {
    layer: "conv3dTranspose",
    setting: "strides, same",
    inputs: [volume],
    make: () => layers.conv3dTranspose({ filters: 3, kernelSize: 2, strides: 2, padding: "same" }),
  },
  {
    layer: "depthwiseConv2d",
    inputs: [image],
    make: () => layers.depthwiseConv2d({ kernelSize: 3 }),
  },
  {
    layer: "depthwiseConv2d",
    setting: "strides, same, multiplier 2",
    inputs: [image],
    make: () =>
      layers.depthwiseConv2d({ kernelSize: 3, strides: 2, padding: "same", depthMultiplier: 2 }),
  },
  {
    layer: "depthwiseConv2d",
    setting: "dilations",
    inputs: [image],
    make: () => layers.depthwiseConv2d({ kernelSize: 2, dilationRate: [2, 2] }),
  },
  {
    layer: "separableConv2d",
    inputs: [image],
    make: () => layers.separableConv2d({ filters: 4, kernelSize: 3 }),
  },
  {
    layer: "cropping2D",
    inputs: [image],
    make: () => layers.cropping2D({ cropping: [[1, 1], [0, 1]] }),
  },
  {
    layer: "zeroPadding2d",
    inputs: [image],
    make: () => layers.zeroPadding2d({ padding: [[1, 0], [2, 1]] }),
  },
  { layer: "upSampling2d", inputs: [image], make: () => layers.upSampling2d({ size: [2, 3] }) },
  {
    layer: "upSampling2d",
    setting: "bilinear",
    inputs: [image],
    make: () => layers.upSampling2d({ size: [2, 3], interpolation: "bilinear" as "nearest" }),
  },
  { layer: "centerCrop", inputs: [image], make: () => layers.centerCrop({ height: 3, width: 2 }) },
];

const pools: LayerCase[] = (["max", "average"] as const).flatMap((kind) => {
  const domain = kind === "max" ? { domain: apart } : {};
  const one = layers[`${kind}Pooling1d`],
    two = layers[`${kind}Pooling2d`],
    three = layers[`${kind}Pooling3d`];
  const same = { padding: "same" as const };
  const cases: LayerCase[] = [
    { layer: `${kind}Pooling1d`, inputs: [line], make: () => one({ poolSize: 2 }) },
    {
      layer: `${kind}Pooling1d`,
      setting: "same",
      inputs: [line],
      make: () => one({ poolSize: 3, strides: 2, ...same }),
    },
    { layer: `${kind}Pooling2d`, inputs: [image], make: () => two({ poolSize: 2 }) },
    {
      layer: `${kind}Pooling2d`,
      setting: "overlapping, same",
      inputs: [image],
      make: () => two({ poolSize: 3, strides: 2, ...same }),
    },
    {
      layer: `${kind}Pooling3d`,
      inputs: [volume],
      make: () => three({ poolSize: 2, dataFormat: "channelsLast", strides: 2, padding: "valid" }),
    },
    {
      layer: `${kind}Pooling3d`,
      setting: "same",
      inputs: [volume],
      make: () => three({ poolSize: [3, 2, 3], dataFormat: "channelsLast", strides: 2, ...same }),
    },
  ];
  return cases.map((test) => ({ ...test, ...domain }));
});

const pooling: LayerCase[] = [
  ...pools,
  ...(["2d", "3d"] as const).map((rank): LayerCase => {
    const config = {
      poolSize: 2,
      strides: 2,
      padding: "valid" as const,
      dataFormat: "channelsLast" as const,
    };
    return {
      layer: `maxPooling${rank}`,
      setting: "negative maxima",
      inputs: [rank === "2d" ? image : volume],
      make: () => rank === "2d" ? layers.maxPooling2d(config) : layers.maxPooling3d(config),
      domain: negative,
    };
  }),
  { layer: "globalAveragePooling1d", inputs: [line], make: () => layers.globalAveragePooling1d() },
  {
    layer: "globalAveragePooling2d",
    inputs: [image],
    make: () => layers.globalAveragePooling2d({}),
  },
  {
    layer: "globalMaxPooling1d",
    inputs: [line],
    make: () => layers.globalMaxPooling1d(),
    domain: apart,
  },
  {
    layer: "globalMaxPooling2d",
    inputs: [image],
    make: () => layers.globalMaxPooling2d({}),
    domain: apart,
  },
];

const normalizations: LayerCase[] = (["batchNormalization", "layerNormalization"] as const).flatMap(
  (layer) =>
    [{}, { scale: false }, { center: false }, { scale: false, center: false }].flatMap((config) => {
      const settings = Object.keys(config).map((key) => `without ${key}`).join(", ");
      const of = (shape: number[], where: string): LayerCase => ({
        layer,
        ...(settings || where ? { setting: [settings, where].filter(Boolean).join(", ") } : {}),
        inputs: [shape],
        make: () => layers[layer](config),
      });
      return [of([6, 4], ""), of(image, "of images")];
    }),
);

const recurrent: LayerCase[] = [
  ...(["simpleRNN", "gru", "lstm"] as const).flatMap((layer): LayerCase[] => [
    {
      layer,
      inputs: [line],
      make: () => layers[layer]({ units: 3, recurrentInitializer: "glorotNormal" }),
    },
    {
      layer,
      setting: "returnSequences, goBackwards",
      inputs: [line],
      make: () =>
        layers[layer]({
          units: 3,
          recurrentInitializer: "glorotNormal",
          returnSequences: true,
          goBackwards: true,
        }),
    },
  ]),
  {
    layer: "gru",
    setting: "implementation 2",
    inputs: [line],
    domain: aside,
    make: () =>
      layers.gru({
        units: 3,
        recurrentInitializer: "glorotNormal",
        implementation: 2,
        activation: "tanh",
      }),
  },
  {
    layer: "rnn",
    setting: "stacked cells",
    inputs: [line],
    make: () =>
      layers.rnn({
        cell: layers.stackedRNNCells({
          cells: [2, 3].map((units) =>
            layers.lstmCell({ units, recurrentInitializer: "glorotNormal" })
          ),
        }) as unknown as Parameters<typeof layers.rnn>[0]["cell"],
      }) as Layer,
  },
  {
    layer: "bidirectional",
    inputs: [line],
    make: () =>
      layers.bidirectional({
        layer: layers.lstm({
          units: 3,
          recurrentInitializer: "glorotNormal",
        }) as unknown as Parameters<typeof layers.bidirectional>[0]["layer"],
        mergeMode: "concat",
      }),
  },
  {
    layer: "timeDistributed",
    inputs: [[2, 3, 5, 4, 2]],
    make: () => layers.timeDistributed({ layer: layers.conv2d({ filters: 2, kernelSize: 2 }) }),
  },
  {
    layer: "convLstm2d",
    inputs: [[2, 3, 5, 4, 2]],
    make: () =>
      layers.convLstm2d({
        filters: 2,
        kernelSize: 2,
        padding: "same",
        recurrentInitializer: "glorotNormal",
      }),
  },
];

const merges: LayerCase[] = [
  ...(["add", "multiply", "average", "concatenate", "maximum", "minimum"] as const).map((
    layer,
  ): LayerCase => ({
    layer,
    inputs: [row, row],
    make: () => layers[layer]() as Layer,
  })),
  { layer: "dot", inputs: [line, line], make: () => layers.dot({ axes: 2 }) as Layer },
];

/** All cases. */
export const layerCases: readonly LayerCase[] = [
  ...simple,
  ...activations,
  ...others,
  ...convolutions,
  ...pooling,
  ...normalizations,
  ...recurrent,
  ...merges,
];

/** The case's name in tables and tests. */
export function nameOf({ layer, setting }: LayerCase): string {
  return setting ? `${layer}, ${setting}` : layer;
}

/** A model of nothing but the layer. */
export function modelOf({ inputs, make }: LayerCase): LayersModel {
  const shapes = inputs.map((shape) => shape.slice(1));
  const made = make();
  if (inputs.length === 1) {
    const one = sequential();
    one.add(layers.inputLayer({ inputShape: shapes[0]! }));
    one.add(made);
    return one;
  }
  const symbols = shapes.map((shape) => tfl.input({ shape }));
  return model({ inputs: symbols, outputs: made.apply(symbols) as SymbolicTensor });
}
