/**
 * Networks as lists of layers, the same for every library that trains them.
 *
 * @module
 */
import { random } from "../random.ts";

/** A layer; images are [height, width, channels]. */
export type Layer =
  | { readonly type: "dense"; readonly units: number }
  /** Filters of size × size without padding, then ReLU. */
  | { readonly type: "conv"; readonly filters: number; readonly size: number }
  /** The maximum of size × size at that stride. */
  | { readonly type: "pool"; readonly size: number };

/**
 * What is minimised, a mean over the batch in all libraries alike:
 *
 * - `classification`: `−log softmax(z)[y]` of class ids y;
 * - `binary`: `log(1 + eᶻ) − y z` of one output z and y = 0 or 1;
 * - `squared`: `½‖f − y‖²`, summed over the outputs f of an example.
 */
export type LossName = "classification" | "binary" | "squared";

/** A network: ReLU between dense layers. */
export interface Network {
  /** Of one example: [features], or [height, width, channels]. */
  readonly input: readonly number[];
  readonly layers: readonly Layer[];
  readonly loss: LossName;
}

/** Dense layers; `sizes` are widths, input and output included. */
export function multilayer(
  sizes: readonly number[],
  loss: LossName = "classification",
): Network {
  return {
    input: [sizes[0]!],
    layers: sizes.slice(1).map((units) => ({ type: "dense", units })),
    loss,
  };
}

/**
 * Number of outputs.
 *
 * @throws {TypeError} If the last layer is not dense, or the loss needs another number.
 */
export function outputsOf({ layers, loss }: Network): number {
  const last = layers.at(-1);
  if (last?.type !== "dense") throw new TypeError("Cannot train: the last layer must be dense");
  const { units } = last;
  if (loss === "binary" ? units !== 1 : loss === "classification" && units === 1) {
    throw new TypeError(
      `Cannot train: ${loss} of ${units} output${units === 1 ? "" : "s"}; ` +
        "one output is for binary, two or more are for classification, any number for squared",
    );
  }
  return units;
}

/** Kernel and bias of a layer that has them. */
export interface LayerWeights {
  /** [inputs, units], or [size, size, channels, filters]. */
  readonly shape: readonly number[];
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
}

/** A layer, the shape that it is given, and its weights. */
export interface PlacedLayer {
  readonly layer: Layer;
  readonly input: readonly number[];
  readonly weights?: LayerWeights;
}

/** Weights from N(0, 2/fan-in), or zero where there is but one layer; biases zero. */
export function drawWeights({ input, layers }: Network, seed: number): PlacedLayer[] {
  const draw = random("weights", seed);
  let shape = input;
  return layers.map((layer): PlacedLayer => {
    const given = shape;
    if (layer.type === "pool") {
      const [height, width, channels] = given as [number, number, number];
      shape = [Math.floor(height / layer.size), Math.floor(width / layer.size), channels];
      return { layer, input: given };
    }
    const size = given.reduce((a, b) => a * b, 1);
    const kernelShape = layer.type === "dense"
      ? [size, layer.units]
      : [layer.size, layer.size, given[2]!, layer.filters];
    const outputs = kernelShape.at(-1)!;
    const length = kernelShape.reduce((a, b) => a * b, 1);
    const deviation = layers.length === 1 ? 0 : Math.sqrt(2 * outputs / length);
    const kernel = Float32Array.from({ length }, () => deviation * draw.normal());
    shape = layer.type === "dense"
      ? [layer.units]
      : [given[0]! - layer.size + 1, given[1]! - layer.size + 1, layer.filters];
    return {
      layer,
      input: given,
      weights: { shape: kernelShape, kernel, bias: new Float32Array(outputs) },
    };
  });
}
