/**
 * What a case of a layer is, and the numbers that it is tried with.
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

/** Any layer. */
export type Layer = Parameters<tfl.Sequential["add"]>[0];

/** A permutation of multiples of .2 around 0: no small step changes which one is the largest. */
export const apart = (_: number, i: number, n: number): number =>
  0.2 * ((29 * i + 3) % n - n / 2) + 0.05;
/** The same, all negative. */
export const negative = (x: number, i: number, n: number): number => apart(x, i, n) - 0.1 * n - 1;
/** Away from 0, and from ±1 where some activations have kinks. */
export const aside = (x: number): number => x + Math.sign(x) * 0.2;

/** Shapes of inputs. */
export const image: number[] = [2, 5, 4, 3],
  line: number[] = [2, 7, 3],
  volume: number[] = [1, 4, 3, 4, 2],
  row: number[] = [3, 5];

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
