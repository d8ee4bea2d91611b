import assert from "node:assert/strict";
import { float } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import { compare, makeModel, makeNode, normal, runModel, type Value } from "../_testing.ts";
import { differentiate } from "./differentiate.ts";
import type { Loss } from "./loss.ts";
import { perExampleSquares } from "./per_example_squares.ts";

const { FLOAT, INT64 } = DataType;

interface Case {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  /** Each input's first axis is the batch. */
  readonly inputs: Readonly<Record<string, Value>>;
  readonly initializers: Readonly<Record<string, Value>>;
  /** Default: the mean squared error of "y". */
  readonly loss?: Loss;
  readonly labels?: Value;
  readonly trainable?: readonly string[];
  /** Names for sizes; each case also runs with all sizes known. */
  readonly symbols?: Readonly<Record<string, readonly (number | string)[]>>;
  /** For operators whose kernels in onnxruntime-node are float only. */
  readonly float?: boolean;
  readonly opset?: number;
}

const cast = (values: Readonly<Record<string, Value>>, single: boolean) =>
  Object.fromEntries(
    Object.entries(values).map(([name, v]) => [
      name,
      single && v.type === undefined ? { ...v, type: FLOAT } : v,
    ]),
  );

/** Example i of a batch, as a batch of one. */
function exampleOf(value: Value, i: number, batch: number): Value {
  const size = value.data.length / batch;
  return {
    ...value,
    dims: [value.dims[0]! / batch, ...value.dims.slice(1)],
    data: value.data.slice(i * size, (i + 1) * size),
  };
}

const sliced = (values: Readonly<Record<string, Value>>, i: number, batch: number) =>
  Object.fromEntries(Object.entries(values).map(([k, v]) => [k, exampleOf(v, i, batch)]));

/** Compares with the gradients of one example after the other, each a batch of its own. */
async function checkSquares(test: Case): Promise<void> {
  const single = test.float ?? false;
  // In double ONNX Runtime moves a factor into the product of matrices behind it, as a float32.
  const tolerance = single ? 2e-5 : 1e-6;
  const inputs = cast(test.inputs, single);
  const initializers = cast(test.initializers, single);
  const loss: Loss = test.loss ?? { type: "mse" };
  const base = {
    nodes: test.nodes,
    initializers,
    outputs: ["y"],
    ...(test.opset === undefined ? {} : { opset: test.opset }),
  };
  const model = makeModel({ ...base, inputs });
  const options = {
    loss,
    parameters: "constants" as const,
    ...(test.trainable === undefined ? {} : { trainable: test.trainable }),
  };
  const { y } = await runModel(model, inputs);
  const labels = cast({ l: test.labels ?? normal(99, y!.dims) }, single)["l"]!;
  const feeds = { ...inputs, labels };
  const batch = Object.values(inputs)[0]!.dims[0]!;

  // An explicit loop over single examples.
  const alone = differentiate(makeModel({ ...base, inputs: sliced(inputs, 0, batch) }), options);
  const sums = new Map<string, number[]>();
  const squares = new Map<string, number[]>();
  for (let i = 0; i < batch; i++) {
    const found = await runModel(alone.model, sliced(feeds, i, batch));
    for (const [name, gradient] of alone.gradients) {
      const g = found[gradient]!.data;
      const sum = sums.get(name) ?? g.map(() => 0);
      const square = squares.get(name) ?? g.map(() => 0);
      sums.set(name, sum.map((s, k) => s + g[k]!));
      squares.set(name, square.map((s, k) => s + g[k]! ** 2));
    }
  }
  const over = loss.reduction === "sum" ? 1 : batch;

  for (const symbols of test.symbols === undefined ? [{}] : [{}, test.symbols]) {
    const result = perExampleSquares(makeModel({ ...base, inputs, symbols }), options);
    const found = await runModel(result.model, feeds);
    for (const name of result.parameters) {
      const what = `${test.name}${symbols === test.symbols ? " (symbolic)" : ""}: "${name}"`;
      const square = found[result.squares.get(name)!]!;
      assert.deepEqual([...square.dims], [...initializers[name]!.dims], `shape of ${what}`);
      compare(square.data, squares.get(name)!.map((s) => s / batch), tolerance, what);
      const mean = sums.get(name)!.map((s) => s / over);
      compare(found[result.gradients.get(name)!]!.data, mean, tolerance, `gradient of ${what}`);
    }
  }
}

const tests = (title: string, cases: readonly Case[]) =>
  Deno.test(title, async (t) => {
    for (const test of cases) await t.step(test.name, () => checkSquares(test));
  });

const ints = (...data: number[]): Value => ({ dims: [data.length], data, type: INT64 });

tests("perExampleSquares() of a dense layer", [
  {
    name: "MatMul and Add",
    nodes: [makeNode("MatMul", ["x", "w"], ["h"]), makeNode("Add", ["h", "c"], ["y"])],
    inputs: { x: normal(1, [5, 3]) },
    initializers: { w: normal(2, [3, 4]), c: normal(3, [4]) },
    symbols: { x: ["N", 3] },
  },
  {
    name: "MatMul and Add, sum",
    nodes: [makeNode("MatMul", ["x", "w"], ["h"]), makeNode("Add", ["c", "h"], ["y"])],
    inputs: { x: normal(1, [5, 3]) },
    initializers: { w: normal(2, [3, 4]), c: normal(3, [1, 4]) },
    loss: { type: "mse", reduction: "sum" },
    symbols: { x: ["N", 3] },
  },
  ...[0, 1].flatMap((transB) =>
    (["mean", "sum"] as const).map((reduction): Case => ({
      name: `Gemm, transB = ${transB}, ${reduction}`,
      nodes: [
        makeNode("Gemm", ["x", "w", "c"], ["y"], { transB, alpha: float(0.5), beta: float(1.5) }),
      ],
      inputs: { x: normal(1, [5, 3]) },
      initializers: { w: normal(2, transB === 1 ? [4, 3] : [3, 4]), c: normal(3, [4]) },
      loss: { type: "mse", reduction },
      symbols: { x: ["N", 3] },
    }))
  ),
  {
    name: "Gemm without C, with a factor that float32 does not hold, opset 11",
    nodes: [makeNode("Gemm", ["x", "w"], ["y"], { transB: 1, alpha: float(0.1) })],
    inputs: { x: normal(1, [6, 3]) },
    initializers: { w: normal(2, [4, 3]) },
    symbols: { x: ["N", 3] },
    opset: 11,
  },
  {
    name: "Gemm with a C of one element",
    nodes: [makeNode("Gemm", ["x", "w", "c"], ["y"], { beta: float(2) })],
    inputs: { x: normal(1, [5, 3]) },
    initializers: { w: normal(2, [3, 4]), c: normal(3, []) },
    symbols: { x: ["N", 3] },
  },
  {
    name: "two layers and cross-entropy",
    nodes: [
      makeNode("Gemm", ["x", "w1", "c1"], ["h"]),
      makeNode("Tanh", ["h"], ["a"]),
      makeNode("Gemm", ["a", "w2", "c2"], ["y"], { transB: 1 }),
    ],
    inputs: { x: normal(1, [6, 3]) },
    initializers: {
      w1: normal(2, [3, 5]),
      c1: normal(3, [5]),
      w2: normal(4, [4, 5]),
      c2: normal(5, [4]),
    },
    loss: { type: "crossEntropy" },
    labels: ints(0, 3, 1, 2, 2, 0),
    symbols: { x: ["N", 3] },
  },
  {
    name: "a batch of one",
    nodes: [makeNode("Gemm", ["x", "w", "c"], ["y"])],
    inputs: { x: normal(1, [1, 3]) },
    initializers: { w: normal(2, [3, 4]), c: normal(3, [4]) },
    symbols: { x: ["N", 3] },
  },
  {
    name: "a batch as large as the layer",
    nodes: [
      makeNode("Gemm", ["x", "w", "c"], ["h"]),
      makeNode("Tanh", ["h"], ["a"]),
      makeNode("MatMul", ["a", "v"], ["y"]),
    ],
    inputs: { x: normal(1, [4, 4]) },
    initializers: { w: normal(2, [4, 4]), c: normal(3, [4]), v: normal(4, [4, 4]) },
    symbols: { x: ["N", 4] },
  },
]);

tests("perExampleSquares() of sequences", [
  ...(["mean", "sum"] as const).map((reduction): Case => ({
    name: `MatMul, Add, LayerNormalization over [N, T, D], ${reduction}`,
    nodes: [
      makeNode("MatMul", ["x", "w"], ["h"]),
      makeNode("Add", ["h", "c"], ["a"]),
      makeNode("LayerNormalization", ["a", "s", "d"], ["n"], { axis: -1 }),
      makeNode("MatMul", ["n", "v"], ["y"]),
    ],
    inputs: { x: normal(1, [3, 4, 3]) },
    initializers: {
      w: normal(2, [3, 5]),
      c: normal(3, [5]),
      s: normal(4, [5]),
      d: normal(5, [5]),
      v: normal(6, [5, 2]),
    },
    loss: { type: "mse", reduction },
    symbols: { x: ["N", "T", 3] },
  })),
  {
    name: "cross-entropy along the last axis",
    nodes: [makeNode("MatMul", ["x", "w"], ["h"]), makeNode("Add", ["h", "c"], ["y"])],
    inputs: { x: normal(1, [3, 4, 3]) },
    initializers: { w: normal(2, [3, 5]), c: normal(3, [5]) },
    loss: { type: "crossEntropy", axis: -1 },
    labels: { dims: [3, 4], data: [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1], type: INT64 },
    symbols: { x: ["N", "T", 3] },
  },
  {
    name: "four axes, parameters of several",
    nodes: [
      makeNode("MatMul", ["x", "w"], ["h"]),
      makeNode("Mul", ["h", "m"], ["k"]),
      makeNode("Add", ["k", "c"], ["y"]),
    ],
    inputs: { x: normal(1, [2, 3, 2, 3]) },
    initializers: { w: normal(2, [3, 4]), m: normal(3, [3, 1, 4]), c: normal(4, [1, 1, 2, 1]) },
    symbols: { x: ["N", 3, 2, 3] },
  },
  {
    name: "examples and places in one axis, as Gemm needs them",
    nodes: [
      makeNode("Reshape", ["x", "rows"], ["r"]),
      makeNode("Gemm", ["r", "w", "c"], ["g"]),
      makeNode("Tanh", ["g"], ["a"]),
      makeNode("Gemm", ["a", "v"], ["o"], { transB: 1 }),
      makeNode("Reshape", ["o", "apart"], ["y"]),
    ],
    inputs: { x: normal(1, [3, 4, 3]) },
    initializers: {
      rows: ints(-1, 3),
      apart: ints(-1, 4, 2),
      w: normal(2, [3, 5]),
      c: normal(3, [5]),
      v: normal(4, [2, 5]),
    },
    symbols: { x: ["N", 4, 3] },
  },
  {
    name: "a bias with an axis of the length",
    nodes: [makeNode("MatMul", ["x", "w"], ["h"]), makeNode("Add", ["h", "place"], ["y"])],
    inputs: { x: normal(1, [3, 4, 3]) },
    initializers: { w: normal(2, [3, 5]), place: normal(3, [4, 5]) },
    symbols: { x: ["N", 4, 3] },
  },
]);

tests("perExampleSquares() of elementwise parameters", [
  {
    name: "Sub, Mul and Div on both sides",
    nodes: [
      makeNode("Sub", ["x", "a"], ["h1"]),
      makeNode("Sub", ["b", "h1"], ["h2"]),
      makeNode("Mul", ["h2", "c"], ["h3"]),
      makeNode("Div", ["h3", "d"], ["h4"]),
      makeNode("Exp", ["h4"], ["h5"]),
      makeNode("Div", ["e", "h5"], ["y"]),
    ],
    inputs: { x: normal(1, [5, 3]) },
    initializers: {
      a: normal(2, [3]),
      b: normal(3, [1, 3]),
      c: normal(4, []),
      d: normal(5, [3], (x) => 2 + Math.abs(x)),
      e: normal(6, [1]),
    },
    symbols: { x: ["N", 3] },
  },
]);

tests("perExampleSquares() of normalizations", [
  {
    name: "LayerNormalization over two axes",
    nodes: [makeNode("LayerNormalization", ["x", "s", "d"], ["y"], { axis: 1 })],
    inputs: { x: normal(1, [4, 2, 3]) },
    initializers: { s: normal(2, [2, 3]), d: normal(3, [2, 3]) },
    symbols: { x: ["N", 2, 3] },
  },
  {
    name: "BatchNormalization, inference",
    nodes: [
      makeNode("BatchNormalization", ["x", "s", "d", "m", "v"], ["h"]),
      makeNode("Tanh", ["h"], ["y"]),
    ],
    inputs: { x: normal(1, [4, 3, 2, 2]) },
    initializers: {
      s: normal(2, [3]),
      d: normal(3, [3]),
      m: normal(4, [3]),
      v: normal(5, [3], (x) => 1 + x * x),
    },
    trainable: ["s", "d"],
    symbols: { x: ["N", 3, 2, 2] },
  },
  {
    name: "BatchNormalization of rows, inference",
    nodes: [makeNode("BatchNormalization", ["x", "s", "d", "m", "v"], ["y"])],
    inputs: { x: normal(1, [4, 3]) },
    initializers: {
      s: normal(2, [3]),
      d: normal(3, [3]),
      m: normal(4, [3]),
      v: normal(5, [3], (x) => 1 + x * x),
    },
    trainable: ["s", "d"],
    symbols: { x: ["N", 3] },
  },
  {
    name: "InstanceNormalization",
    nodes: [
      makeNode("InstanceNormalization", ["x", "s", "d"], ["h"]),
      makeNode("Tanh", ["h"], ["y"]),
    ],
    inputs: { x: normal(1, [4, 3, 5]) },
    initializers: { s: normal(2, [3]), d: normal(3, [3]) },
    symbols: { x: ["N", 3, 5] },
    float: true,
  },
]);

const conv = (
  name: string,
  { x, w, bias = true, attributes = {}, symbols }: {
    readonly x: readonly number[];
    readonly w: readonly number[];
    readonly bias?: boolean;
    readonly attributes?: Parameters<typeof makeNode>[3];
    readonly symbols?: readonly (number | string)[];
  },
): Case => ({
  name,
  nodes: [
    makeNode("Conv", ["x", "w", ...(bias ? ["c"] : [])], ["h"], attributes),
    makeNode("Tanh", ["h"], ["y"]),
  ],
  inputs: { x: normal(1, x) },
  initializers: {
    w: normal(2, w, (v) => v / 2),
    ...(bias ? { c: normal(3, [w[0]!]) } : {}),
  },
  symbols: { x: symbols ?? ["N", ...x.slice(1)] },
  float: true,
});

tests("perExampleSquares() of convolutions", [
  conv("1-d", { x: [4, 2, 6], w: [3, 2, 3] }),
  conv("1-d, causal padding, dilation", {
    x: [4, 2, 6],
    w: [3, 2, 2],
    attributes: { pads: [2, 0], dilations: [2] },
  }),
  conv("2-d", { x: [3, 2, 5, 4], w: [4, 2, 3, 2] }),
  conv("2-d without bias, stride and padding", {
    x: [3, 2, 6, 5],
    w: [4, 2, 3, 3],
    bias: false,
    attributes: { strides: [2, 2], pads: [1, 0, 1, 2] },
  }),
  conv("2-d of size 1", { x: [3, 4, 3, 3], w: [2, 4, 1, 1] }),
  conv("groups", { x: [3, 4, 5, 4], w: [6, 2, 3, 2], attributes: { group: 2 } }),
  conv("depthwise, stride", {
    x: [3, 4, 5, 5],
    w: [4, 1, 3, 3],
    attributes: { group: 4, strides: [2, 1], pads: [1, 1, 1, 1] },
  }),
  conv("SAME_UPPER", {
    x: [3, 2, 5, 4],
    w: [3, 2, 3, 3],
    attributes: { auto_pad: "SAME_UPPER", strides: [2, 2] },
  }),
  {
    name: "convolution, mean over places, dense layer and cross-entropy",
    nodes: [
      makeNode("Conv", ["x", "w", "c"], ["h"], { pads: [1, 1, 1, 1] }),
      makeNode("Tanh", ["h"], ["t"]),
      makeNode("GlobalAveragePool", ["t"], ["g"]),
      makeNode("Flatten", ["g"], ["f"]),
      makeNode("Gemm", ["f", "v", "d"], ["y"], { transB: 1 }),
    ],
    inputs: { x: normal(1, [4, 2, 4, 4]) },
    initializers: {
      w: normal(2, [3, 2, 3, 3]),
      c: normal(3, [3]),
      v: normal(4, [5, 3]),
      d: normal(5, [5]),
    },
    loss: { type: "crossEntropy" },
    labels: ints(0, 4, 2, 1),
    symbols: { x: ["N", 2, 4, 4] },
    float: true,
  },
]);

const tokens: Value = { dims: [3, 4], data: [0, 2, 2, 5, 1, 1, 1, 1, 4, 0, 4, 0], type: INT64 };

tests("perExampleSquares() of tables", [
  ...(["mean", "sum"] as const).map((reduction): Case => ({
    name: `repeated tokens, ${reduction}`,
    nodes: [makeNode("Gather", ["table", "x"], ["e"]), makeNode("MatMul", ["e", "w"], ["y"])],
    inputs: { x: tokens },
    initializers: { table: normal(1, [6, 3]), w: normal(2, [3, 2]) },
    loss: { type: "mse", reduction },
    symbols: { x: ["N", "T"] },
  })),
  {
    name: "one token an example",
    nodes: [makeNode("Gather", ["table", "x"], ["e"]), makeNode("MatMul", ["e", "w"], ["y"])],
    inputs: { x: ints(0, 3, 3, 1) },
    initializers: { table: normal(1, [6, 3]), w: normal(2, [3, 2]) },
    symbols: { x: ["N"] },
  },
  {
    name: "one token an example, with an axis",
    nodes: [makeNode("Gather", ["table", "x"], ["e"]), makeNode("MatMul", ["e", "w"], ["y"])],
    inputs: { x: { dims: [4, 1], data: [0, 3, 3, 1], type: INT64 } },
    initializers: { table: normal(1, [6, 3]), w: normal(2, [3, 2]) },
    symbols: { x: ["N", 1] },
  },
  {
    name: "tokens of three axes",
    nodes: [makeNode("Gather", ["table", "x"], ["e"]), makeNode("Tanh", ["e"], ["y"])],
    inputs: { x: { dims: [3, 2, 2], data: tokens.data, type: INT64 } },
    initializers: { table: normal(1, [6, 3]) },
    symbols: { x: ["N", 2, "T"] },
  },
  {
    name: "tokens counted from the end",
    nodes: [makeNode("Gather", ["table", "x"], ["e"]), makeNode("Tanh", ["e"], ["y"])],
    inputs: { x: { dims: [3, 4], data: [0, -6, 2, -1, 5, -1, 1, 1, 4, 0, 4, 0], type: INT64 } },
    initializers: { table: normal(1, [6, 3]) },
    symbols: { x: ["N", "T"] },
  },
  {
    name: "int32 tokens, a language model",
    nodes: [
      makeNode("Gather", ["table", "x"], ["e"]),
      makeNode("LayerNormalization", ["e", "s", "d"], ["n"]),
      makeNode("MatMul", ["n", "w"], ["y"]),
    ],
    inputs: { x: { ...tokens, type: DataType.INT32 } },
    initializers: {
      table: normal(1, [6, 3]),
      s: normal(2, [3]),
      d: normal(3, [3]),
      w: normal(4, [3, 6]),
    },
    loss: { type: "crossEntropy", axis: -1, reduction: "sum" },
    labels: tokens,
    symbols: { x: ["N", "T"] },
  },
]);

tests("perExampleSquares() of parameters that are moved or used twice", [
  {
    name: "transposed",
    nodes: [
      makeNode("Transpose", ["w"], ["t"], { perm: [1, 0] }),
      makeNode("MatMul", ["x", "t"], ["y"]),
    ],
    inputs: { x: normal(1, [5, 3]) },
    initializers: { w: normal(2, [4, 3]) },
    symbols: { x: ["N", 3] },
  },
  {
    name: "reshaped, transposed, of a sequence",
    nodes: [
      makeNode("Reshape", ["w", "shape"], ["r"]),
      makeNode("Transpose", ["r"], ["t"]),
      makeNode("MatMul", ["x", "t"], ["h"]),
      makeNode("Unsqueeze", ["c", "zero"], ["u"]),
      makeNode("Add", ["h", "u"], ["y"]),
    ],
    inputs: { x: normal(1, [4, 2, 3]) },
    initializers: {
      w: normal(2, [2, 2, 3]),
      shape: ints(4, 3),
      c: normal(3, [4]),
      zero: ints(0),
    },
    symbols: { x: ["N", "T", 3] },
  },
  {
    name: "a matrix used by two layers, a bias too",
    nodes: [
      makeNode("Gemm", ["x", "w", "c"], ["h"]),
      makeNode("Tanh", ["h"], ["a"]),
      makeNode("Gemm", ["a", "w", "c"], ["y"], { transB: 1 }),
    ],
    inputs: { x: normal(1, [5, 3]) },
    initializers: { w: normal(2, [3, 3]), c: normal(3, [3]) },
    symbols: { x: ["N", 3] },
  },
  {
    name: "a matrix of a recurrence",
    nodes: [
      makeNode("MatMul", ["x", "w"], ["h1"]),
      makeNode("Tanh", ["h1"], ["a1"]),
      makeNode("MatMul", ["a1", "w"], ["h2"]),
      makeNode("Tanh", ["h2"], ["a2"]),
      makeNode("MatMul", ["a2", "w"], ["y"]),
    ],
    inputs: { x: normal(1, [5, 3]) },
    initializers: { w: normal(2, [3, 3]) },
    loss: { type: "mse", reduction: "sum" },
    symbols: { x: ["N", 3] },
  },
  {
    name: "a parameter that scales and shifts",
    nodes: [makeNode("Mul", ["x", "s"], ["h"]), makeNode("Sub", ["s", "h"], ["y"])],
    inputs: { x: normal(1, [5, 3]) },
    initializers: { s: normal(2, [3]) },
    symbols: { x: ["N", 3] },
  },
  {
    name: "weights of two convolutions",
    nodes: [
      makeNode("Conv", ["x", "w", "c"], ["h"], { pads: [1, 1] }),
      makeNode("Tanh", ["h"], ["a"]),
      makeNode("Conv", ["a", "w", "c"], ["y"], { pads: [1, 1] }),
    ],
    inputs: { x: normal(1, [3, 2, 5]) },
    initializers: { w: normal(2, [2, 2, 3]), c: normal(3, [2]) },
    symbols: { x: ["N", 2, 5] },
    float: true,
  },
]);

const matMul = (x: string, w: string, to: string) => makeNode("MatMul", [x, w], [to]);
const refuses = (
  name: string,
  graph: Parameters<typeof makeModel>[0],
  message: string,
  options: Partial<Parameters<typeof perExampleSquares>[1]> = {},
) =>
  Deno.test(`perExampleSquares() refuses ${name}`, () => {
    assert.throws(
      () => perExampleSquares(makeModel(graph), { loss: { type: "mse" }, ...options }),
      (error) => {
        assert.ok(error instanceof OnnxError);
        assert.equal(error.message, `Cannot square the gradients of single examples${message}`);
        return true;
      },
    );
  });

refuses(
  "operators without a rule, all at once",
  {
    nodes: [
      makeNode("ConvTranspose", ["x", "w"], ["h"]),
      makeNode("PRelu", ["h", "slope"], ["p"]),
      makeNode("Transpose", ["q"], ["t"]),
      makeNode("Sin", ["t"], ["s"]),
      matMul("p", "s", "y"),
    ],
    inputs: { x: normal(1, [2, 3, 4]) },
    initializers: { w: normal(2, [3, 2, 2]), slope: normal(3, [1]), q: normal(4, [5, 5]) },
    outputs: ["y"],
  },
  ': no rule for ConvTranspose "ConvTranspose of h" (of "w"), PRelu "PRelu of p" (of "slope"), ' +
    'Sin "Sin of s" (of "q")',
);

const normalized = {
  nodes: [
    matMul("x", "w", "h"),
    makeNode("BatchNormalization", ["h", "s", "d", "m", "v"], ["n"]),
    makeNode("Tanh", ["n"], ["y"]),
  ],
  inputs: { x: normal(1, [4, 3]) },
  initializers: {
    w: normal(6, [3, 3]),
    s: normal(2, [3]),
    d: normal(3, [3]),
    m: normal(4, [3]),
    v: normal(5, [3], (x: number) => 1 + x * x),
  },
  outputs: ["y"],
};
const training = ' in BatchNormalization "n/BatchNormalization": in training mode every ' +
  "example changes the statistics of all";
refuses("BatchNormalization in training mode", normalized, training, { training: true });
refuses(
  "BatchNormalization in training mode behind a parameter, its own being frozen",
  normalized,
  training,
  { training: true, trainable: ["w"] },
);
refuses(
  "a product of parameters whose size is the batch's by chance",
  {
    nodes: [matMul("w", "v", "u"), matMul("x", "u", "y")],
    inputs: { x: normal(1, [4, 4]) },
    initializers: { w: normal(2, [4, 3]), v: normal(3, [3, 2]) },
    outputs: ["y"],
  },
  ' in MatMul "MatMul of u": no input whose first axis is the batch (4) enters it; a batch with a ' +
    "name instead of a size would tell them apart",
  { trainable: ["v"] },
);
refuses(
  "a product of parameters",
  {
    nodes: [matMul("w", "v", "u"), matMul("x", "u", "y")],
    inputs: { x: normal(1, [4, 4]) },
    symbols: { x: ["N", 4] },
    initializers: { w: normal(2, [4, 3]), v: normal(3, [3, 2]) },
    outputs: ["y"],
  },
  ' in MatMul "MatMul of u": the first axis of shape [4,3] is not the batch (N)',
  { trainable: ["v"] },
);
refuses(
  "places that are no examples",
  {
    nodes: [makeNode("Gather", ["table", "places"], ["e"]), makeNode("Add", ["x", "e"], ["y"])],
    inputs: { x: normal(1, [2, 4, 3]) },
    initializers: { table: normal(2, [6, 3]), places: ints(0, 1, 2, 3) },
    outputs: ["y"],
  },
  ' in Gather "Gather of e": no input whose first axis is the batch (2) enters it; a batch with a ' +
    "name instead of a size would tell them apart",
);
refuses(
  "a table that is the output layer too",
  {
    nodes: [
      makeNode("Gather", ["table", "x"], ["e"]),
      makeNode("Transpose", ["table"], ["t"]),
      matMul("e", "t", "y"),
    ],
    inputs: { x: tokens },
    initializers: { table: normal(2, [6, 3]) },
    outputs: ["y"],
  },
  ' in Gather "Gather of e": a table that is used more than once would need a gradient of its ' +
    "size for each example",
);
refuses(
  "a matrix that is used as it is and transposed",
  {
    nodes: [matMul("x", "w", "h"), makeNode("Transpose", ["w"], ["t"]), matMul("h", "t", "y")],
    inputs: { x: normal(1, [4, 3]) },
    initializers: { w: normal(2, [3, 2]) },
    outputs: ["y"],
  },
  ': "w" is used more than once, one of the uses is Transpose "Transpose of t"',
);
refuses(
  "a matrix on the left",
  {
    nodes: [matMul("w", "x", "y")],
    inputs: { x: normal(1, [4, 3, 2]) },
    initializers: { w: normal(2, [3, 3]) },
    outputs: ["y"],
  },
  ' in MatMul "MatMul of y": the parameter must be a matrix on the right, operands have shapes ' +
    "[3,3] and [4,3,2]",
);
refuses(
  "a parameter with an entry for each example",
  {
    nodes: [makeNode("Add", ["x", "w"], ["y"])],
    inputs: { x: normal(1, [4, 3]) },
    initializers: { w: normal(2, [4, 3]) },
    outputs: ["y"],
  },
  ' in Add "Add of y": parameter of shape [4,3] has an axis of its own along the batch',
);
refuses(
  "an unknown batch input",
  {
    nodes: [makeNode("Add", ["x", "w"], ["y"])],
    inputs: { x: normal(1, [4, 3]) },
    initializers: { w: normal(2, [3]) },
    outputs: ["y"],
  },
  ': input "z" has no batch axis',
  { batchInput: "z" },
);
