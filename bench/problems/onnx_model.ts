/** @module */
import { buildModel, type Loss, type ModelProto } from "@precond/onnx";
import type { Feed } from "@precond/onnxruntime";
import type { Examples } from "./digits.ts";
import { type LossName, outputsOf } from "./layers.ts";
import { placeWeights, type Start } from "./weights.ts";

/** Calls with where an element of a kernel [height, width, channels, filters] is in either layout. */
function eachElement(
  shape: readonly number[],
  visit: (last: number, first: number) => void,
): void {
  const [height, width, channels, filters] = shape as [number, number, number, number];
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < channels; c++) {
      for (let f = 0; f < filters; f++) {
        visit((i * channels + c) * filters + f, (f * channels + c) * height * width + i);
      }
    }
  }
}

/** A kernel [height, width, channels, filters] as [filters, channels, height, width]. */
function filtersFirst(kernel: Float32Array, shape: readonly number[]): Float32Array {
  const turned = new Float32Array(kernel.length);
  eachElement(shape, (last, first) => turned[first] = kernel[last]!);
  return turned;
}

/** A kernel [filters, channels, height, width] as `shape`, [height, width, channels, filters]. */
function filtersLast(kernel: Float32Array, shape: readonly number[]): Float32Array {
  const turned = new Float32Array(kernel.length);
  eachElement(shape, (last, first) => turned[last] = kernel[first]!);
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

/** An array of weights as the ONNX model has it. */
export interface OnnxParameter {
  readonly name: string;
  /** From the layout of tfjs, and back to it. */
  write(weights: Float32Array): Float32Array;
  read(values: Float32Array): Float32Array;
}

/** The parameters of {@linkcode onnxModel}, in the order of tfjs's weights. */
export function onnxParameters(start: Start): OnnxParameter[] {
  const as = (values: Float32Array) => values;
  return placeWeights(start).flatMap(({ layer, weights }, l): OnnxParameter[] => {
    if (weights === undefined) return [];
    const { shape } = weights;
    const kernel = layer.type === "conv"
      ? {
        write: (values: Float32Array) => filtersFirst(values, shape),
        read: (values: Float32Array) => filtersLast(values, shape),
      }
      : { write: as, read: as };
    return [{ name: `kernel${l}`, ...kernel }, { name: `bias${l}`, write: as, read: as }];
  });
}

/** A network as ONNX, from rows `x` [N, features] to rows of outputs; the weights are those of tfjs. */
export function onnxModel(start: Start): { model: ModelProto; loss: Loss } {
  const { network } = start;
  const m = buildModel();
  const features = network.input.reduce((a, b) => a * b, 1);
  let value = m.input("x", ["N", features]);
  let images = false;
  const placed = placeWeights(start);
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
