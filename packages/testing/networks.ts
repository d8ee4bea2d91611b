/** @module */
import { random } from "./random.ts";

/** What a network is built with: the model builder of @precond/onnx has this shape. */
export interface NetworkBuilder {
  input(name: string, dims: readonly (number | string)[]): string;
  parameter(name: string, dims: readonly number[], data: Float32Array | BigInt64Array): string;
  op(
    opType: string,
    inputs: readonly string[],
    // deno-lint-ignore no-explicit-any -- the attribute values of @precond/onnx, which is not imported here
    attributes?: Readonly<Record<string, any>>,
    output?: string,
  ): string;
  output(value: string): void;
}

/** How initial values are drawn. */
export interface NetworkOptions {
  readonly seed?: number;
  /** Zeros instead of random numbers: for graphs that are only differentiated. */
  readonly zeros?: boolean;
}

/** Draws parameters with deviation `gain / √fanIn`. */
function drawer(m: NetworkBuilder, { seed = 1, zeros = false }: NetworkOptions) {
  const source = random(seed);
  return (name: string, dims: readonly number[], fanIn: number, gain = 1): string => {
    const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
    if (!zeros) data.forEach((_, i) => data[i] = gain * source.normal() / Math.sqrt(fanIn));
    return m.parameter(name, dims, data);
  };
}

const constant = (m: NetworkBuilder, name: string, size: number, value: number) =>
  m.parameter(name, [size], new Float32Array(size).fill(value));

const shapeOf = (m: NetworkBuilder, name: string, dims: readonly number[]) =>
  m.parameter(name, [dims.length], BigInt64Array.from(dims, BigInt));

/** Dense layers with ReLU between them: "x" [N, sizes[0]] to "logits" [N, last]. */
export function multilayerPerceptron(
  m: NetworkBuilder,
  sizes: readonly number[],
  options: NetworkOptions = {},
): void {
  const draw = drawer(m, options);
  let h = m.input("x", ["N", sizes[0]!]);
  const last = sizes.length - 2;
  for (let k = 0; k <= last; k++) {
    const [from, to] = [sizes[k]!, sizes[k + 1]!];
    const w = draw(`w${k + 1}`, [from, to], from, Math.SQRT2);
    const b = constant(m, `b${k + 1}`, to, 0);
    h = m.op("Gemm", [h, w, b], {}, k === last ? "logits" : `z${k + 1}`);
    if (k < last) h = m.op("Relu", [h]);
  }
  m.output(h);
}

/** Two convolutions with pooling, one dense layer: "x" [N, 1, 28, 28] to "logits" [N, 10]. */
export function digitsCnn(m: NetworkBuilder, options: NetworkOptions = {}): void {
  const draw = drawer(m, options);
  let h = m.input("x", ["N", 1, 28, 28]);
  let channels = 1;
  for (const [k, to] of [8, 16].entries()) {
    const w = draw(`conv${k + 1}.w`, [to, channels, 5, 5], channels * 25, Math.SQRT2);
    const b = constant(m, `conv${k + 1}.b`, to, 0);
    h = m.op("Conv", [h, w, b], { kernel_shape: [5, 5], pads: [2, 2, 2, 2] });
    h = m.op("Relu", [h]);
    h = m.op("MaxPool", [h], { kernel_shape: [2, 2], strides: [2, 2] });
    channels = to;
  }
  h = m.op("Flatten", [h], { axis: 1 });
  const w = draw("dense.w", [channels * 49, 10], channels * 49);
  m.output(m.op("Gemm", [h, w, constant(m, "dense.b", 10, 0)], {}, "logits"));
}

/** Sizes of {@linkcode transformer}. */
export interface TransformerSizes {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly length: number;
}

/** Pre-norm blocks of attention and a GELU layer: "x" [N, length, width] to "y", of the same shape. */
export function transformer(
  m: NetworkBuilder,
  sizes: TransformerSizes,
  options: NetworkOptions = {},
): void {
  const { layers, width, heads, length } = sizes;
  const draw = drawer(m, options);
  const headsShape = shapeOf(m, "heads.shape", [0, length, heads, width / heads]);
  const joinedShape = shapeOf(m, "joined.shape", [0, length, width]);
  const scale = m.parameter("scale", [], new Float32Array([1 / Math.sqrt(width / heads)]));
  const half = m.parameter("half", [], new Float32Array([0.5]));
  const one = m.parameter("one", [], new Float32Array([1]));
  const root = m.parameter("root", [], new Float32Array([Math.SQRT1_2]));

  const dense = (name: string, x: string, from: number, to: number) => {
    const product = m.op("MatMul", [x, draw(`${name}.w`, [from, to], from)]);
    return m.op("Add", [product, constant(m, `${name}.b`, to, 0)]);
  };
  const norm = (name: string, x: string) =>
    m.op("LayerNormalization", [
      x,
      constant(m, `${name}.scale`, width, 1),
      constant(m, `${name}.bias`, width, 0),
    ], { axis: -1 });
  const split = (x: string, perm: readonly number[]) =>
    m.op("Transpose", [m.op("Reshape", [x, headsShape])], { perm });

  let h = m.input("x", ["N", length, width]);
  for (let k = 0; k < layers; k++) {
    const n = `block${k}`;
    const x = norm(`${n}.norm1`, h);
    const q = split(dense(`${n}.q`, x, width, width), [0, 2, 1, 3]);
    const key = split(dense(`${n}.k`, x, width, width), [0, 2, 3, 1]);
    const v = split(dense(`${n}.v`, x, width, width), [0, 2, 1, 3]);
    const scores = m.op("Mul", [m.op("MatMul", [q, key]), scale]);
    const mixed = m.op("MatMul", [m.op("Softmax", [scores], { axis: -1 }), v]);
    const joined = m.op("Reshape", [
      m.op("Transpose", [mixed], { perm: [0, 2, 1, 3] }),
      joinedShape,
    ]);
    h = m.op("Add", [h, dense(`${n}.out`, joined, width, width)]);
    const wide = dense(`${n}.up`, norm(`${n}.norm2`, h), width, 4 * width);
    // GELU as exporters write it before operator set 20.
    const erf = m.op("Add", [m.op("Erf", [m.op("Mul", [wide, root])]), one]);
    const gelu = m.op("Mul", [m.op("Mul", [wide, half]), erf]);
    h = m.op("Add", [h, dense(`${n}.down`, gelu, 4 * width, width)]);
  }
  m.output(m.op("Identity", [norm("norm", h)], {}, "y"));
}

/** Bottleneck blocks 3, 4, 6, 3 as in ResNet-50: "x" [N, 3, 224, 224] to "logits" [N, 1000]. */
export function resnet50(m: NetworkBuilder, options: NetworkOptions = {}): void {
  const draw = drawer(m, options);
  let count = 0;
  const conv = (x: string, from: number, to: number, size: number, stride: number) => {
    const n = `conv${count++}`;
    const pad = (size - 1) / 2;
    const y = m.op("Conv", [x, draw(`${n}.w`, [to, from, size, size], from * size * size)], {
      kernel_shape: [size, size],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
    return m.op("BatchNormalization", [
      y,
      constant(m, `${n}.scale`, to, 1),
      constant(m, `${n}.bias`, to, 0),
      constant(m, `${n}.mean`, to, 0),
      constant(m, `${n}.variance`, to, 1),
    ]);
  };
  let h = m.op("Relu", [conv(m.input("x", ["N", 3, 224, 224]), 3, 64, 7, 2)]);
  h = m.op("MaxPool", [h], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  let channels = 64;
  for (const [stage, blocks] of [3, 4, 6, 3].entries()) {
    const width = 64 * 2 ** stage;
    for (let k = 0; k < blocks; k++) {
      const stride = k === 0 && stage > 0 ? 2 : 1;
      let y = m.op("Relu", [conv(h, channels, width, 1, 1)]);
      y = m.op("Relu", [conv(y, width, width, 3, stride)]);
      y = conv(y, width, 4 * width, 1, 1);
      const skip = k === 0 ? conv(h, channels, 4 * width, 1, stride) : h;
      h = m.op("Relu", [m.op("Add", [y, skip])]);
      channels = 4 * width;
    }
  }
  h = m.op("Flatten", [m.op("GlobalAveragePool", [h])], { axis: 1 });
  const w = draw("dense.w", [channels, 1000], channels);
  m.output(m.op("Gemm", [h, w, constant(m, "dense.b", 1000, 0)], {}, "logits"));
}
