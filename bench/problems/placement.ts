/**
 * The shapes and the first weights of a network's layers.
 *
 * @module
 */
import { random } from "../random.ts";
import { hasLayer, type Layer, type Network } from "./layers.ts";

/** An array of a layer. */
export interface Parameter {
  /** Its role and where its layer is: "kernel2", or "kernel2.0" within layer 2. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
  /** False for running statistics. */
  readonly trained: boolean;
}

/** A layer, the shapes that it is given and gives, and its arrays by their roles. */
export interface PlacedLayer {
  readonly layer: Layer;
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** The two paths of a residual layer. */
  readonly paths: readonly (readonly PlacedLayer[])[];
}

/** What a layer has: shapes by roles, and how the arrays begin. */
interface Wanted {
  readonly shape: readonly number[];
  /** Standard deviation of normal numbers, or a value for all. */
  readonly begins: { readonly deviation: number } | { readonly value: number };
  readonly trained?: false;
}

const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const all = (shape: readonly number[], value: number): Wanted => ({ shape, begins: { value } });
const normal = (shape: readonly number[], deviation: number): Wanted => ({
  shape,
  begins: { deviation },
});

/** `⌊(size − kernel)/stride⌋ + 1`, or `⌈size/stride⌉` where it is padded. */
export function convolved(
  size: number,
  layer: Pick<Extract<Layer, { type: "conv" }>, "size" | "stride" | "padding">,
): number {
  const { stride = 1, padding } = layer;
  return padding ? Math.ceil(size / stride) : Math.floor((size - layer.size) / stride) + 1;
}

/** The shape that a layer gives, and what it has. Kernels are from N(0, 2/fan-in), before ReLU or the end. */
function planned(
  layer: Layer,
  input: readonly number[],
  only: boolean,
): { readonly output: readonly number[]; readonly wanted: Readonly<Record<string, Wanted>> } {
  const width = input.at(-1)!;
  switch (layer.type) {
    case "dense": {
      const { units } = layer;
      const sequence = input.length === 2;
      const inputs = sequence ? width : product(input);
      // One layer alone is convex: all seeds begin at the same loss.
      const deviation = only ? 0 : Math.sqrt((layer.linear ? 1 : 2) / inputs);
      return {
        output: sequence ? [input[0]!, units] : [units],
        wanted: { kernel: normal([inputs, units], deviation), bias: all([units], 0) },
      };
    }
    case "conv": {
      const { filters, size } = layer;
      const kernel = normal(
        [size, size, width, filters],
        only ? 0 : Math.sqrt(2 / (size * size * width)),
      );
      return {
        output: [convolved(input[0]!, layer), convolved(input[1]!, layer), filters],
        wanted: layer.linear ? { kernel } : { kernel, bias: all([filters], 0) },
      };
    }
    case "pool": {
      const [height, rest] = input as [number, number];
      return {
        output: [Math.floor(height / layer.size), Math.floor(rest / layer.size), width],
        wanted: {},
      };
    }
    case "mean":
      return { output: [width], wanted: {} };
    case "batchNormalization":
      return {
        output: input,
        wanted: {
          scale: all([width], 1),
          offset: all([width], 0),
          mean: { ...all([width], 0), trained: false },
          variance: { ...all([width], 1), trained: false },
        },
      };
    case "layerNormalization":
      return { output: input, wanted: { scale: all([width], 1), offset: all([width], 0) } };
    case "embedding": {
      const { symbols, units, positions } = layer;
      const deviation = 1 / Math.sqrt(units);
      return {
        output: [input[0]!, units],
        wanted: {
          table: normal([symbols, units], deviation),
          ...(positions && { positions: normal([input[0]!, units], deviation) }),
        },
      };
    }
    case "attention": {
      const deviation = 1 / Math.sqrt(width);
      return {
        output: input,
        wanted: {
          kernel: normal([width, 3 * width], deviation),
          projection: normal([width, width], deviation),
        },
      };
    }
    case "gru": {
      const { units } = layer;
      return {
        output: [input[0]!, units],
        wanted: {
          kernel: normal([width, 3 * units], 1 / Math.sqrt(width)),
          recurrent: normal([units, 3 * units], 1 / Math.sqrt(units)),
          bias: all([3 * units], 0),
        },
      };
    }
    case "sample":
      return { output: [width / 2], wanted: {} };
    case "relu":
    case "residual":
      return { output: input, wanted: {} };
  }
}

/** Draws the weights of a network. */
export function drawWeights({ input, layers }: Network, seed: number): PlacedLayer[] {
  const draw = random("weights", seed);
  const begin = ({ shape, begins }: Wanted) =>
    Float32Array.from(
      { length: product(shape) },
      "value" in begins ? () => begins.value : () => begins.deviation * draw.normal(),
    );
  const place = (
    path: readonly Layer[],
    given: readonly number[],
    prefix: string,
  ): PlacedLayer[] => {
    let shape = given;
    return path.map((layer, l): PlacedLayer => {
      const input = shape;
      const { output, wanted } = planned(layer, input, layers.length === 1);
      const parameters = Object.fromEntries(
        Object.entries(wanted).map(([role, each]): [string, Parameter] => [role, {
          name: `${role}${prefix}${l}`,
          shape: each.shape,
          values: begin(each),
          trained: each.trained ?? true,
        }]),
      );
      const paths = layer.type === "residual"
        ? [layer.layers, layer.shortcut ?? []].map((inner, k) =>
          place(inner, input, `${prefix}${l}.${k === 0 ? "" : "s"}`)
        )
        : [];
      shape = paths[0]?.at(-1)?.output ?? output;
      return { layer, input, output: shape, parameters, paths };
    });
  };
  return place(layers, input, "");
}

/** Numbers of noise that a network takes for an example; 0 if it does not sample. */
export function noiseOf(network: Network): number {
  if (!hasLayer(network.layers, "sample")) return 0;
  const sampling = drawWeights(network, 0).find(({ layer }) => layer.type === "sample");
  return sampling?.output[0] ?? 0;
}

/** All arrays of layers, in the order of drawing. */
export function parametersOf(placed: readonly PlacedLayer[]): Parameter[] {
  return placed.flatMap(({ parameters, paths }) => [
    ...Object.values(parameters),
    ...paths.flatMap(parametersOf),
  ]);
}
