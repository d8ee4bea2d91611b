/** @module */
import { buildModel, type Loss, type ModelProto } from "@precond/onnx";
import type { Feed } from "@precond/onnxruntime";
import type { Examples } from "./digits.ts";
import { drawWeights, type LossName, type Network, outputsOf } from "./layers.ts";

/** A kernel [height, width, channels, filters] as [filters, channels, height, width]. */
function filtersFirst(kernel: Float32Array, shape: readonly number[]): Float32Array {
  const [height, width, channels, filters] = shape as [number, number, number, number];
  const turned = new Float32Array(kernel.length);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < channels; c++) {
      for (let f = 0; f < filters; f++) {
        turned[(f * channels + c) * height * width + i] = kernel[(i * channels + c) * filters + f]!;
      }
    }
  }
  return turned;
}

/**
 * `mse` is a mean over all elements, so that `½‖f − y‖²` of K outputs, a mean over the batch, is that
 * of `√(K/2) f` and `√(K/2) y`.
 */
const scaleOf = (outputs: number) => Math.sqrt(outputs / 2);

/** Losses of ONNX Runtime by the names of ours. */
const losses: Readonly<Record<LossName, Loss>> = {
  classification: { type: "crossEntropy" },
  binary: { type: "binaryCrossEntropy" },
  squared: { type: "mse", prediction: "scaled" },
};

/** What a model of {@linkcode onnxModel} takes as labels. */
export function labelsOf({ count, y }: Examples, loss: LossName): Feed {
  if (loss === "classification") return { data: BigInt64Array.from(y, BigInt), dims: [count] };
  const outputs = y.length / count;
  const scale = loss === "squared" ? scaleOf(outputs) : 1;
  return { data: Float32Array.from(y, (value) => scale * value), dims: [count, outputs] };
}

/** A network as ONNX, from rows `x` [N, features] to rows of outputs; the weights are those of tfjs. */
export function onnxModel(network: Network, seed: number): { model: ModelProto; loss: Loss } {
  const m = buildModel();
  const features = network.input.reduce((a, b) => a * b, 1);
  let value = m.input("x", ["N", features]);
  let images = false;
  const placed = drawWeights(network, seed);
  placed.forEach(({ layer, input, weights }, l) => {
    if (layer.type === "dense") {
      // tfjs flattens [height, width, channels].
      if (images) value = m.op("Transpose", [value], { perm: [0, 2, 3, 1] });
      if (images) value = m.op("Flatten", [value], { axis: 1 });
      images = false;
      const { shape, kernel, bias } = weights!;
      const linear = m.op("Gemm", [
        value,
        m.parameter(`kernel${l}`, shape, kernel),
        m.parameter(`bias${l}`, [layer.units], bias),
      ]);
      value = l === placed.length - 1 ? linear : m.op("Relu", [linear]);
      return;
    }
    if (!images) {
      const [height, width, channels] = input as [number, number, number];
      const dims = BigInt64Array.of(-1n, BigInt(height), BigInt(width), BigInt(channels));
      value = m.op("Reshape", [value, m.parameter("image", [4], dims)]);
      value = m.op("Transpose", [value], { perm: [0, 3, 1, 2] });
      images = true;
    }
    if (layer.type === "pool") {
      const size = [layer.size, layer.size];
      value = m.op("MaxPool", [value], { kernel_shape: size, strides: size });
      return;
    }
    const { shape, kernel, bias } = weights!;
    const [height, width, channels, filters] = shape as [number, number, number, number];
    value = m.op("Relu", [m.op("Conv", [
      value,
      m.parameter(
        `kernel${l}`,
        [filters, channels, height, width],
        filtersFirst(kernel, shape),
      ),
      m.parameter(`bias${l}`, [filters], bias),
    ])]);
  });
  m.output(value);
  if (network.loss === "squared") {
    const scale = Float32Array.of(scaleOf(outputsOf(network)));
    m.op("Mul", [value, m.parameter("scale", [], scale)], {}, "scaled");
  }
  return { model: m.build(), loss: losses[network.loss] };
}
