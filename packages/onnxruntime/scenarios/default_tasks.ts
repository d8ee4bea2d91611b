/**
 * Networks for the tasks on which optimizers train without options.
 *
 * @module
 */
import { buildModel, DataType, type Loss, type ModelBuilder, type ModelProto } from "@precond/onnx";
import { type DefaultTaskName, random, type TaskData, taskData } from "@precond/testing";
import type { Feeds } from "../hosts/ort.ts";

/** Weights drawn between ±√(6/(inputs + outputs)), and biases of 0. */
function drawer(m: ModelBuilder, seed: number) {
  const { uniform } = random(seed + 100);
  let count = 0;
  const weights = (dims: readonly number[], bound: number) =>
    m.parameter(
      `w${count++}`,
      dims,
      Float32Array.from(
        { length: dims.reduce((a, b) => a * b, 1) },
        () => bound * (2 * uniform() - 1),
      ),
    );
  const zeros = (n: number) => m.parameter(`b${count++}`, [n], new Float32Array(n));
  const glorot = (inputs: number, outputs: number) => Math.sqrt(6 / (inputs + outputs));
  const dense = (x: string, inputs: number, outputs: number, activation?: string) => {
    const y = m.op("Gemm", [
      x,
      weights([inputs, outputs], glorot(inputs, outputs)),
      zeros(outputs),
    ]);
    return activation === undefined ? y : m.op(activation, [y]);
  };
  /** The last hidden state [N, hidden] of a sequence [length, N, inputs]. */
  const lstm = (x: string, inputs: number, hidden: number) => {
    m.node(
      "LSTM",
      [
        x,
        weights([1, 4 * hidden, inputs], glorot(inputs, hidden)),
        weights([1, 4 * hidden, hidden], glorot(hidden, hidden)),
        zerosOf([1, 8 * hidden]),
      ],
      ["states", "last"],
      { hidden_size: hidden },
    );
    const axis = m.parameter(`axis${count++}`, [1], BigInt64Array.of(0n));
    return m.op("Squeeze", ["last", axis]);
  };
  const zerosOf = (dims: readonly number[]) =>
    m.parameter(`b${count++}`, dims, new Float32Array(dims.reduce((a, b) => a * b, 1)));
  return { weights, zeros, dense, lstm };
}

type Draw = ReturnType<typeof drawer>;

const networks: Readonly<Record<DefaultTaskName, (m: ModelBuilder, draw: Draw) => string>> = {
  "linear regression with a large offset": (m, { dense }) => dense(m.input("x", ["N", 5]), 5, 1),
  "regression MLP": (m, { dense }) => dense(dense(m.input("x", ["N", 4]), 4, 16, "Relu"), 16, 1),
  "blobs": (m, { dense }) => dense(dense(m.input("x", ["N", 4]), 4, 16, "Tanh"), 16, 3),
  "spirals": (m, { dense }) =>
    dense(dense(dense(m.input("x", ["N", 2]), 2, 24, "Relu"), 24, 24, "Relu"), 24, 2),
  "autoencoder": (m, { dense }) => dense(dense(m.input("x", ["N", 12]), 12, 4, "Tanh"), 4, 12),
  "convolutional net": (m, { weights, zeros, dense }) => {
    const x = m.op("Transpose", [m.input("x", ["N", 8, 8, 1])], { perm: [0, 3, 1, 2] });
    const h = m.op("Relu", [m.op("Conv", [x, weights([4, 1, 3, 3], Math.sqrt(6 / 45)), zeros(4)])]);
    const pooled = m.op("MaxPool", [h], { kernel_shape: [2, 2], strides: [2, 2] });
    return dense(m.op("Flatten", [pooled], { axis: 1 }), 36, 3);
  },
  "LSTM": (m, { lstm, dense }) => {
    const x = m.op("Transpose", [m.input("x", ["N", 3, 2])], { perm: [1, 0, 2] });
    return dense(lstm(x, 2, 6), 6, 2);
  },
  "embedding": (m, { weights, lstm, dense }) => {
    const tokens = m.input("x", ["N", 3], DataType.INT64);
    const x = m.op("Transpose", [m.op("Gather", [weights([6, 4], 1), tokens])], {
      perm: [1, 0, 2],
    });
    return dense(lstm(x, 4, 6), 6, 2);
  },
};

/** The network of a task, drawn with a seed, and its loss. */
export function defaultNetwork(
  name: DefaultTaskName,
  seed: number,
): { model: ModelProto; loss: Loss } {
  const m = buildModel();
  m.output(networks[name](m, drawer(m, seed)));
  const { loss } = taskData[name];
  return {
    model: m.build(),
    loss: { type: loss === "meanSquaredError" ? "mse" : "crossEntropy" },
  };
}

/** The rows of a batch as feeds. */
export function feedsOf(
  { shape, loss, scales }: TaskData,
  x: readonly (readonly number[])[],
  y: readonly (readonly number[])[],
  scale: number,
): Feeds {
  const inputs = x.flat().map((v) => v * scale);
  return {
    x: {
      data: scales || shape.length > 1
        ? Float32Array.from(inputs)
        : BigInt64Array.from(inputs, BigInt),
      dims: [x.length, ...shape],
    },
    labels: loss === "meanSquaredError"
      ? { data: Float32Array.from(y.flat()), dims: [y.length, y[0]!.length] }
      : { data: BigInt64Array.from(y, (row) => BigInt(row.indexOf(1))), dims: [y.length] },
  };
}

/**
 * −ELBO of a linear variational autoencoder with one fixed draw: squared error + KL(q‖N(0, 1)) / 10, as
 * the model's own output.
 */
export function autoencoderCost(): { model: ModelProto; output: string; feeds: Feeds } {
  const m = buildModel();
  const { weights } = drawer(m, 4);
  const x = m.input("x", ["N", 8]);
  const noise = m.input("noise", ["N", 2]);
  const number = (name: string, value: number) => m.parameter(name, [], Float32Array.of(value));
  const both = m.op("MatMul", [x, weights([8, 4], 0.5)]);
  const [mean, logVariance] = ["mean", "logVariance"] as const;
  m.node("Split", [both], [mean, logVariance], { axis: 1, num_outputs: 2 });
  const half = number("half", 0.5);
  const deviation = m.op("Exp", [m.op("Mul", [logVariance, half])]);
  const z = m.op("Add", [mean, m.op("Mul", [noise, deviation])]);
  const error = m.op("Sub", [m.op("MatMul", [z, weights([2, 8], 0.5)]), x]);
  const square = (value: string) => m.op("Mul", [value, value]);
  const sum = m.op("Sub", [
    m.op("Add", [m.op("Exp", [logVariance]), square(mean)]),
    m.op("Add", [logVariance, number("one", 1)]),
  ]);
  const total = (value: string) =>
    m.op("ReduceMean", [
      m.op("ReduceSum", [value, m.parameter(`axis of ${value}`, [1], BigInt64Array.of(1n))], {
        keepdims: 0,
      }),
    ], { keepdims: 0 });
  const kl = m.op("Mul", [total(sum), number("twentieth", 0.05)]);
  m.output(m.op("Add", [total(square(error)), kl], {}, "cost"));
  const { normal } = random(4);
  const rows = Array.from({ length: 64 }, () => {
    const [a, b] = [normal(), normal()];
    return Array.from({ length: 8 }, (_, i) => Math.tanh(a * Math.cos(i) + b * Math.sin(i)));
  });
  const draws = Float32Array.from({ length: 128 }, normal);
  return {
    model: m.build(),
    output: "cost",
    feeds: {
      x: { data: Float32Array.from(rows.flat()), dims: [64, 8] },
      noise: { data: draws, dims: [64, 2] },
    },
  };
}

/** −mean of advantage · log p(action) of a policy of five actions without inputs. */
export function policyCost(): { model: ModelProto; output: string } {
  const m = buildModel();
  const logits = m.parameter("logits", [5], new Float32Array(5));
  const weighted = m.input("weighted", ["N", 5]);
  const logs = m.op("LogSoftmax", [logits], { axis: 0 });
  const axis = m.parameter("axis", [1], BigInt64Array.of(1n));
  const each = m.op("ReduceSum", [m.op("Mul", [weighted, logs]), axis], { keepdims: 0 });
  m.output(m.op("Neg", [m.op("ReduceMean", [each], { keepdims: 0 })], {}, "cost"));
  return { model: m.build(), output: "cost" };
}
