/** @module */
import { buildModel, type Loss, type ModelProto } from "@precond/onnx";
import { drawWeights, type Network, outputsOf } from "./layers.ts";

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

/** A network as ONNX, from logits of rows `x` [N, features]; the weights are those of tfjs. */
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
  const logistic = outputsOf(network) === 1;
  return { model: m.build(), loss: { type: logistic ? "binaryCrossEntropy" : "crossEntropy" } };
}
