/**
 * Every layer of tfjs-layers that something can be learned through, in the settings whose gradients
 * differ.
 *
 * @module
 */
import { layers } from "@tensorflow/tfjs-layers";
import { imageLayers } from "./image_layers.ts";
import { aside, image, type Layer, type LayerCase, line, row } from "./layer_case.ts";

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
  ...imageLayers,
  ...normalizations,
  ...recurrent,
  ...merges,
];
