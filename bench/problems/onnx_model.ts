/** @module */
import { buildModel } from "@precond/onnx";
import type { Feed, Feeds, ModelSource } from "@precond/onnxruntime";
import type { Examples } from "./digits.ts";
import { forward, variational } from "./forward.ts";
import { type LossName, type Network, outputsOf } from "./layers.ts";
import { onnxOperations, type OnnxValue } from "./onnx_operations.ts";
import { type Parameter, parametersOf } from "./placement.ts";
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

/** What ONNX Runtime minimises by the names of ours. */
const losses: Readonly<Record<LossName, Omit<ModelSource, "model">>> = {
  classification: { loss: { type: "crossEntropy", axis: -1 } },
  binary: { loss: { type: "binaryCrossEntropy" } },
  squared: { loss: { type: "mse", prediction: "scaled" } },
  variational: { output: "cost" },
};

/** What a model of {@linkcode onnxModel} takes. */
export function feedsOf(
  { count, features, x, y, noise }: Examples,
  { input, loss }: Pick<Network, "input" | "loss">,
): Feeds {
  const labels = (): Feed => {
    const each = y.length / count;
    if (loss === "classification") {
      const sequences = input.length === 1 && each > 1;
      return { data: BigInt64Array.from(y, BigInt), dims: sequences ? [count, each] : [count] };
    }
    const scale = loss === "squared" ? scaleOf(each) : 1;
    return { data: Float32Array.from(y, (value) => scale * value), dims: [count, each] };
  };
  return {
    x: { data: x, dims: [count, features] },
    ...(noise && { noise: { data: noise, dims: [count, noise.length / count] } }),
    ...(loss !== "variational" && { labels: labels() }),
  };
}

/** An array of weights as the ONNX model has it. */
export interface OnnxParameter {
  readonly name: string;
  readonly dims: readonly number[];
  /** From the layout of tfjs, and back to it. */
  write(weights: Float32Array): Float32Array;
  read(values: Float32Array): Float32Array;
}

function stored({ name, shape }: Parameter): OnnxParameter {
  const as = (values: Float32Array) => values;
  if (shape.length < 4) return { name, dims: shape, write: as, read: as };
  const [height, width, channels, filters] = shape as [number, number, number, number];
  return {
    name,
    dims: [filters, channels, height, width],
    write: (values) => filtersFirst(values, shape),
    read: (values) => filtersLast(values, shape),
  };
}

/** The trained parameters of {@linkcode onnxModel}, in the order of tfjs's weights. */
export function onnxParameters(start: Start): OnnxParameter[] {
  return parametersOf(placeWeights(start)).filter(({ trained }) => trained).map(stored);
}

/** A network as ONNX, from rows `x` [N, features] to rows of outputs; the weights are those of tfjs. */
export function onnxModel(start: Start): ModelSource {
  const { input, loss } = start.network;
  const m = buildModel();
  const ops = onnxOperations(m);
  const features = input.reduce((a, b) => a * b, 1);
  const placed = placeWeights(start);
  const x = { name: m.input("x", ["N", features]) };
  const sampled = placed.find(({ layer }) => layer.type === "sample");
  const computed = forward<OnnxValue>(placed, x, {
    ops,
    weight(parameter) {
      const { name, dims, write } = stored(parameter);
      return { name: m.parameter(name, dims, write(parameter.values)) };
    },
    noise: sampled && { name: m.input("noise", ["N", ...sampled.output]) },
  });
  const { outputs } = computed;
  m.output(outputs.name);
  if (loss === "squared") {
    const scale = Float32Array.of(scaleOf(outputsOf(start.network)));
    m.op("Mul", [outputs.name, m.parameter("scale", [], scale)], {}, "scaled");
  }
  if (loss === "variational") {
    m.output(m.op("Identity", [variational(ops, x, computed).name], {}, "cost"));
  }
  return { model: m.build(), ...losses[loss] };
}
