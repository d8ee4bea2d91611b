import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { normalTensor } from "./_testing.ts";
import { hessianVectorProduct } from "./hessian_vector_product.ts";

type Case = [name: string, f: (w: tf.Tensor4D) => tf.Tensor, message: RegExp];
const image = (w: tf.Tensor) => tf.reshape(w, [1, 4, 4, 2]) as tf.Tensor4D;
const onePixel = () => tf.ones([1, 1, 2, 2]) as tf.Tensor4D;

const cases: Case[] = [
  [
    "tf.losses.softmaxCrossEntropy",
    (w) => tf.losses.softmaxCrossEntropy(tf.onesLike(tf.reshape(w, [4, 8])), tf.reshape(w, [4, 8])),
    /through softmaxCrossEntropy: .* use softmaxCrossEntropy\(labels, logits\) of @precond\/tfjs\/second_order$/,
  ],
  ["tf.logSigmoid", (w) => tf.logSigmoid(w), /through logSigmoid: .* tf\.neg\(tf\.softplus/],
  [
    "tf.customGrad",
    tf.customGrad((x) => ({ value: tf.square(x as tf.Tensor), gradFunc: (dy: tf.Tensor) => dy })),
    /through \w.*: the gradient function given to tf\.customGrad hides what it depends on/,
  ],
  ["tf.prod", (w) => tf.prod(w), /through Prod: .* tf\.unstack$/],
  ["tf.floorDiv", (w) => tf.cast(tf.floorDiv(w, 0.3), "float32"), /through FloorDiv: .* tf\.floor/],
  [
    "tf.mirrorPad",
    (w) => tf.mirrorPad(w, [[0, 0], [1, 1], [1, 1], [0, 0]], "reflect"),
    /through MirrorPad: /,
  ],
  ["tf.localResponseNormalization", (w) => tf.localResponseNormalization(w, 1), /through LRN: /],
  [
    "tf.dilation2d",
    (w) => tf.dilation2d(w, tf.zeros([2, 2, 2]), 1, "valid"),
    /through Dilation2D: its second derivative is not verified$/,
  ],
  [
    "tf.maxPool3d",
    (w) => tf.maxPool3d(tf.reshape(w, [1, 4, 4, 2, 1]) as tf.Tensor5D, 2, 1, "valid"),
    /through MaxPool3D: its second derivative is not verified$/,
  ],
  ["a cast to int32", (w) => tf.cast(tf.cast(w, "int32"), "float32"), /through Cast: .* to int32/],
  [
    "gather with batchDims",
    (w) => tf.gather(w, tf.tensor2d([[1, 0]], [1, 2], "int32"), 1, 1),
    /through GatherV2: /,
  ],
  [
    "resizing from half pixel centers",
    (w) => tf.image.resizeBilinear(w, [6, 6], false, true),
    /through ResizeBilinear: .*halfPixelCenters/,
  ],
  ...["ceil", "round"].flatMap((mode): Case[] => [
    [
      `conv2d with ${mode}`,
      (w) => tf.conv2d(w, onePixel(), 2, 1, "NHWC", 1, mode as "ceil"),
      /through Conv2D: tfjs ignores dimRoundingMode/,
    ],
    [
      `avgPool with ${mode}`,
      (w) => tf.avgPool(w, 3, 2, 0, mode as "ceil"),
      /through AvgPool: tfjs ignores dimRoundingMode/,
    ],
  ]),
];

for (const [name, f, message] of cases) {
  Deno.test(`${name} is refused with the reason`, async () => {
    await tf.setBackend("cpu");
    const w = tf.variable(normalTensor([1, 4, 4, 2], 1)), vectors = { [w.name]: tf.onesLike(w) };
    const before = tf.memory().numTensors;
    // Deep inside a network, where tfjs alone would be silently wrong.
    const loss = () => tf.tidy(() => tf.sum(tf.square(f(image(tf.tanh(w))))) as tf.Scalar);
    assert.throws(() => hessianVectorProduct(loss, [w], vectors), { name: "TypeError", message });
    assert.equal(tf.memory().numTensors, before);
  });
}

Deno.test("an unverified operation off the path to the loss is no obstacle", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(normalTensor([3], 1));
  const f = () => {
    tf.prod(w); // a metric
    const weights = tf.prod(tf.ones([3, 2]), 1); // constant
    return tf.sum(tf.mul(weights, tf.square(w))) as tf.Scalar;
  };
  const { products } = hessianVectorProduct(f, [w], { [w.name]: tf.ones([3]) });
  assert.deepEqual([...products[w.name]!.dataSync()], [2, 2, 2]);
});
