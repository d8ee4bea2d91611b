import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import { flat, normalTensor, productError, randomVectors } from "../_testing.ts";
import { hessianVectorProduct } from "../hessian_vector_product.ts";
import { sigmoidCrossEntropy, softmaxCrossEntropy } from "../losses.ts";

type Layer = Parameters<layers.Sequential["add"]>[0];
type Loss = (labels: tf.Tensor, output: tf.Tensor) => tf.Tensor;

interface Network {
  readonly name: string;
  readonly input: number[];
  /** Whole numbers in [0, tokens) instead of normal ones. */
  readonly tokens?: number;
  readonly build: (next: () => Initial) => Layer[];
  readonly loss: Loss;
  /** Step of the differences; smaller where second derivatives jump, so as not to cross a kink. */
  readonly h?: number;
  readonly wasm?: boolean;
}
interface Initial {
  readonly kernelInitializer: ReturnType<typeof layers.initializers.glorotNormal>;
  readonly biasInitializer: ReturnType<typeof layers.initializers.randomNormal>;
}
const { dense, conv2d, depthwiseConv2d, maxPooling2d, averagePooling2d, flatten } = layers.layers;

const mse: Loss = (y, z) => layers.metrics.meanSquaredError(y, z);
const crossEntropy: Loss = (y, z) => layers.metrics.categoricalCrossentropy(y, z);
const binaryCrossEntropy: Loss = (y, z) => layers.metrics.binaryCrossentropy(y, z);

function mlp(activation: "tanh" | "sigmoid" | "elu" | "selu" | "softplus", loss: Loss): Network {
  return {
    name: `dense ${activation}`,
    input: [5],
    build: (next) => [
      dense({ units: 4, activation, ...next() }),
      dense({ units: 4, activation, ...next() }),
      dense({ units: 3, ...next() }),
    ],
    loss,
    wasm: true,
  };
}

const networks: Network[] = [
  mlp("tanh", softmaxCrossEntropy),
  mlp("sigmoid", mse),
  { ...mlp("elu", mse), h: 1e-3 },
  mlp("selu", sigmoidCrossEntropy),
  mlp(
    "softplus",
    (y, z) => tf.losses.sigmoidCrossEntropy(tf.cast(tf.greater(y, 0.5), "float32"), z),
  ),
  {
    name: "dense relu, small step",
    input: [5],
    build: (
      next,
    ) => [dense({ units: 6, activation: "relu", ...next() }), dense({ units: 3, ...next() })],
    loss: softmaxCrossEntropy,
    h: 1e-3,
    wasm: true,
  },
  {
    name: "dense with a softmax layer and categoricalCrossentropy",
    input: [5],
    build: (next) => [
      dense({ units: 4, activation: "tanh", ...next() }),
      dense({ units: 3, activation: "softmax", ...next() }),
    ],
    loss: crossEntropy,
    wasm: true,
  },
  {
    name: "dense with a sigmoid layer and binaryCrossentropy",
    input: [5],
    build: (next) => [
      dense({ units: 4, activation: "tanh", ...next() }),
      dense({ units: 3, activation: "sigmoid", ...next() }),
    ],
    loss: binaryCrossEntropy,
    wasm: true,
  },
  {
    name: "convolution and max pooling",
    input: [6, 6, 2],
    build: (next) => [
      conv2d({ filters: 3, kernelSize: 3, activation: "tanh", ...next() }),
      maxPooling2d({ poolSize: 2 }),
      conv2d({ filters: 2, kernelSize: 2, padding: "same", activation: "elu", ...next() }),
      flatten(),
      dense({ units: 3, ...next() }),
    ],
    loss: softmaxCrossEntropy,
    h: 2e-3,
  },
  {
    name: "convolution and average pooling over the border",
    input: [5, 5, 1],
    build: (next) => [
      conv2d({
        filters: 2,
        kernelSize: 3,
        strides: 2,
        padding: "same",
        activation: "sigmoid",
        ...next(),
      }),
      averagePooling2d({ poolSize: 2, padding: "same" }),
      flatten(),
      dense({ units: 3, ...next() }),
    ],
    loss: mse,
  },
  {
    name: "depthwise convolution",
    input: [5, 5, 2],
    build: (next) => [
      depthwiseConv2d({
        kernelSize: 3,
        depthMultiplier: 2,
        activation: "tanh",
        biasInitializer: next().biasInitializer,
        depthwiseInitializer: next().kernelInitializer,
      }),
      flatten(),
      dense({ units: 3, ...next() }),
    ],
    loss: softmaxCrossEntropy,
  },
  {
    name: "embedding",
    input: [4],
    tokens: 7,
    build: (next) => [
      layers.layers.embedding({
        inputDim: 7,
        outputDim: 3,
        embeddingsInitializer: next().kernelInitializer,
      }),
      flatten(),
      dense({ units: 4, activation: "tanh", ...next() }),
      dense({ units: 3, ...next() }),
    ],
    loss: softmaxCrossEntropy,
  },
  {
    name: "LSTM",
    input: [3, 2],
    build: (next) => [
      layers.layers.lstm({
        units: 3,
        recurrentActivation: "sigmoid",
        recurrentInitializer: next().kernelInitializer,
        ...next(),
      }),
      dense({ units: 3, ...next() }),
    ],
    loss: softmaxCrossEntropy,
    wasm: true,
  },
  {
    name: "batch normalization of the training batch",
    input: [5],
    build: (next) => [
      dense({ units: 4, activation: "tanh", ...next() }),
      layers.layers.batchNormalization(),
      dense({ units: 3, ...next() }),
    ],
    loss: mse,
    wasm: true,
  },
  {
    name: "layer normalization",
    input: [5],
    build: (next) => [
      dense({ units: 4, activation: "tanh", ...next() }),
      layers.layers.layerNormalization(),
      dense({ units: 3, ...next() }),
    ],
    loss: mse,
    wasm: true,
  },
];

function seeds(): () => Initial {
  let seed = 10;
  return () => ({
    kernelInitializer: layers.initializers.glorotNormal({ seed: seed++ }),
    biasInitializer: layers.initializers.randomNormal({ stddev: 0.3, seed: seed++ }),
  });
}

/** A built network with a batch of 4, whose closure is its mean loss. */
function setUp({ input, tokens, build, loss }: Network) {
  const [first, ...rest] = build(seeds());
  const model = layers.sequential({ layers: [] });
  model.add(layers.layers.inputLayer({ inputShape: input }));
  for (const layer of [first!, ...rest]) model.add(layer);
  const x = tokens
    ? tf.tensor([0, 3, 6, 3, 1, 1, 5, 2, 4, 6, 0, 1, 2, 2, 2, 5], [4, 4], "float32")
    : normalTensor([4, ...input], 3);
  const y = tf.tensor2d([[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0.25, 0.75]]);
  const variables = model.trainableWeights.map((w) => w.read() as tf.Variable);
  return {
    variables,
    f: () =>
      tf.tidy(() => tf.mean(loss(y, model.apply(x, { training: true }) as tf.Tensor)) as tf.Scalar),
    dispose() {
      model.dispose();
      tf.dispose([x, y]);
    },
  };
}

for (const backend of ["cpu", "wasm"]) {
  for (const network of networks) {
    if (backend === "wasm" && !network.wasm) continue;
    Deno.test(`${network.name} on ${backend}: Hv is the derivative of the gradient, symmetric and linear`, async () => {
      await tf.setBackend(backend);
      const { f, variables, dispose } = setUp(network);
      const error = await productError(f, variables, network.h ? { h: network.h } : {});
      if (Deno.env.has("PRECOND_ERRORS")) console.log(`${network.name}\t${error.toExponential(1)}`);
      // What is left is the rounding of the gradients over h: 1e-7 / 1e-3.
      assert.ok(error < 3e-4, `Hv is off by ${error}`);
      const [u, v] = [randomVectors(variables, 1), randomVectors(variables, 2)];
      const sum = Object.fromEntries(
        variables.map(({ name }) => [name, tf.add(u[name]!, tf.mul(3, v[name]!))]),
      );
      const products = [u, v, sum].map((vectors) => {
        const result = hessianVectorProduct(f, variables, vectors);
        const product = flat(result.products, variables);
        tf.dispose([result.value, result.gradients, result.products]);
        return product;
      });
      const [Hu, Hv, Hsum] = products as [Float64Array, Float64Array, Float64Array];
      const dot = (a: Float64Array, b: Float64Array) => a.reduce((s, x, i) => s + x * b[i]!, 0);
      const size = Math.sqrt(dot(Hu, Hu) * dot(flat(v, variables), flat(v, variables)));
      assertAllClose([dot(flat(v, variables), Hu) / size], [dot(flat(u, variables), Hv) / size], {
        absolute: 1e-5,
      }, "vᵀHu");
      const scale = Math.hypot(...Hsum);
      assertAllClose(Hsum.map((x) => x / scale), Hu.map((x, i) => (x + 3 * Hv[i]!) / scale), {
        absolute: 1e-5,
      }, "H(u + 3v)");
      tf.dispose([u, v, sum]);
      dispose();
    });
  }
}
