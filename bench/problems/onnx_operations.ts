/** @module */
import { DataType, type ModelBuilder } from "@precond/onnx";
import { convolved } from "./placement.ts";
import { epsilon, momentum, type Operations } from "./operations.ts";

/** A value of the graph; an image may have its channels in axis 1, where ONNX wants them. */
export interface OnnxValue {
  readonly name: string;
  readonly channelsFirst?: true;
}

/** The operations of ONNX. */
export function onnxOperations(m: ModelBuilder): Operations<OnnxValue> {
  let made = 0;
  const integers = (...values: number[]) =>
    m.parameter(`integers${made++}`, [values.length], BigInt64Array.from(values, BigInt));
  const number = (value: number) => m.parameter(`number${made++}`, [], Float32Array.of(value));
  const last = ({ name, channelsFirst }: OnnxValue) =>
    channelsFirst ? m.op("Transpose", [name], { perm: [0, 2, 3, 1] }) : name;
  const first = ({ name, channelsFirst }: OnnxValue) =>
    channelsFirst ? name : m.op("Transpose", [name], { perm: [0, 3, 1, 2] });
  const images = (name: string): OnnxValue => ({ name, channelsFirst: true });
  const rankOf = ({ name }: OnnxValue) => m.dims(name)!.length;
  const unary = (opType: string) => (x: OnnxValue): OnnxValue => ({
    ...x,
    name: m.op(opType, [x.name]),
  });
  const binary = (opType: string) => (x: OnnxValue, y: OnnxValue): OnnxValue =>
    x.channelsFirst || y.channelsFirst
      ? images(m.op(opType, [first(x), first(y)]))
      : { name: m.op(opType, [x.name, y.name]) };
  const add = binary("Add");
  return {
    reshape: (x, shape) => ({ name: m.op("Reshape", [last(x), integers(-1, ...shape)]) }),
    permute: (x, axes) => ({ name: m.op("Transpose", [last(x)], { perm: [...axes] }) }),
    split(x, parts) {
      const names = Array.from({ length: parts }, () => `part${made++}`);
      m.node("Split", [last(x)], names, { axis: -1, num_outputs: parts });
      return names.map((name) => ({ name }));
    },
    linear(x, kernel, bias) {
      if (bias && rankOf(x) === 2) {
        return { name: m.op("Gemm", [x.name, kernel.name, bias.name]) };
      }
      const product = { name: m.op("MatMul", [last(x), kernel.name]) };
      return bias ? add(product, bias) : product;
    },
    product(x, y, transposed) {
      const other = transposed ? m.op("Transpose", [y.name], { perm: [0, 1, 3, 2] }) : y.name;
      return { name: m.op("MatMul", [x.name, other]) };
    },
    conv(x, kernel, bias, { stride, padded }) {
      const name = first(x);
      const [, , height, width] = m.dims(name) as number[];
      const [, , size] = m.dims(kernel.name) as [number, number, number];
      const missing = (length: number) => {
        const moved = convolved(length, { size, stride, padding: "same" });
        return Math.max(0, (moved - 1) * stride + size - length);
      };
      const both = padded ? [missing(height!), missing(width!)] : [0, 0];
      const pads = [
        ...both.map((total) => Math.floor(total / 2)),
        ...both.map((total) => Math.ceil(total / 2)),
      ];
      const inputs = [name, kernel.name, ...(bias ? [bias.name] : [])];
      return images(m.op("Conv", inputs, { strides: [stride, stride], pads }));
    },
    maxPool: (x, size) =>
      images(m.op("MaxPool", [first(x)], { kernel_shape: [size, size], strides: [size, size] })),
    mean: (x) => ({ name: m.op("ReduceMean", [first(x), integers(2, 3)], { keepdims: 0 }) }),
    rows(table, numbers) {
      const indices = m.op("Cast", [numbers.name], { to: DataType.INT64 });
      return { name: m.op("Gather", [table.name, indices]) };
    },
    batchNormalization(x, { scale, offset, mean, variance }) {
      const input = rankOf(x) === 4 ? images(first(x)) : x;
      const y = `normalized${made++}`;
      m.node(
        "BatchNormalization",
        [input, scale, offset, mean, variance].map(({ name }) => name),
        [y, `${mean.name}_next`, `${variance.name}_next`],
        { epsilon, momentum, training_mode: 1 },
      );
      return { ...input, name: y };
    },
    layerNormalization: (x, scale, offset) => ({
      name: m.op("LayerNormalization", [last(x), scale.name, offset.name], { axis: -1, epsilon }),
    }),
    gru(x, kernel, recurrent, bias) {
      const [units] = m.dims(recurrent.name) as number[];
      const zero = () => integers(0);
      const turned = ({ name }: OnnxValue) =>
        m.op("Unsqueeze", [m.op("Transpose", [name], { perm: [1, 0] }), zero()]);
      // The biases of inputs and states are only used as a sum: one of them is trained.
      const none = m.parameter(`none${made++}`, [3 * units!], new Float32Array(3 * units!));
      const biases = m.op("Concat", [bias.name, none], { axis: 0 });
      const states = `states${made++}`;
      m.node(
        "GRU",
        [
          m.op("Transpose", [x.name], { perm: [1, 0, 2] }),
          turned(kernel),
          turned(recurrent),
          m.op("Unsqueeze", [biases, zero()]),
        ],
        [states],
        { hidden_size: units! },
      );
      const squeezed = m.op("Squeeze", [states, integers(1)]);
      return { name: m.op("Transpose", [squeezed], { perm: [1, 0, 2] }) };
    },
    relu: unary("Relu"),
    exp: unary("Exp"),
    softplus: unary("Softplus"),
    softmax: (x) => ({ name: m.op("Softmax", [last(x)], { axis: -1 }) }),
    add,
    subtract: binary("Sub"),
    multiply: binary("Mul"),
    scaled: (x, factor) => ({ ...x, name: m.op("Mul", [x.name, number(factor)]) }),
    constant: (shape, values) => ({ name: m.parameter(`constant${made++}`, shape, values) }),
    meanOfSums(x) {
      const sums = m.op("ReduceSum", [last(x), integers(1)], { keepdims: 0 });
      return { name: m.op("ReduceMean", [sums], { keepdims: 0 }) };
    },
  };
}
