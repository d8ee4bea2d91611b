import { random } from "@precond/testing";
import assert from "node:assert/strict";
import { DataType } from "../model/data_type.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import {
  compare,
  makeModel,
  makeNode,
  normal,
  openModel,
  runModel,
  type TestGraph,
  type Value,
} from "../_testing.ts";
import { differentiate } from "./differentiate.ts";
import { fisherSample, gaussNewtonSample } from "./curvature_sample.ts";
import type { Loss } from "./loss.ts";
import { trainingGraph } from "./training_graph.ts";

const { FLOAT, INT64 } = DataType;

/** `y = tanh(x w₁ + c) w₂`: every output depends on every parameter, nonlinearly. */
const nodes: readonly NodeProto[] = [
  makeNode("MatMul", ["x", "w1"], ["h"]),
  makeNode("Add", ["h", "c"], ["k"]),
  makeNode("Tanh", ["k"], ["a"]),
  makeNode("MatMul", ["a", "w2"], ["y"]),
];

interface Case {
  readonly name: string;
  readonly loss: Loss;
  /** Shape of x: [examples…, 2]. */
  readonly x: readonly number[];
  readonly outputs: number;
  readonly labels: Value;
  /** The loss's Hessian by the outputs y, from their values: row by row. */
  readonly hessian: (y: readonly number[]) => number[][];
  /** What the uniform numbers may decide: for each of them values and their probabilities. */
  readonly draws: (y: readonly number[]) => readonly (readonly [u: number, p: number][])[];
  readonly symbols?: readonly (number | string)[];
  /** Default: gaussNewtonSample. */
  readonly sample?: typeof gaussNewtonSample;
}

/** For each combination of draws its uniform numbers and its probability. */
function* combinations(
  draws: readonly (readonly [number, number][])[],
): Generator<{ u: number[]; p: number }> {
  if (draws.length === 0) return yield { u: [], p: 1 };
  for (const [value, own] of draws[0]!) {
    for (const { u, p } of combinations(draws.slice(1))) yield { u: [value, ...u], p: own * p };
  }
}

/** `Σ_u P(u) sample(u) = diag(Jᵀ H J)`: J row by row by differentiating the outputs, H as given. */
async function checkExpectation(test: Case): Promise<void> {
  const inputs = { x: normal(1, test.x) };
  const graph: TestGraph = {
    nodes,
    inputs,
    initializers: {
      w1: normal(2, [2, 3]),
      c: normal(3, [3]),
      w2: normal(4, [3, test.outputs]),
    },
    outputs: ["y"],
  };
  const { y } = await runModel(makeModel(graph), inputs);

  // A row of J is the gradient of ⟨R, y⟩ with R one at an output.
  const alone = differentiate(
    makeModel({
      ...graph,
      nodes: [
        ...nodes,
        makeNode("Mul", ["y", "R"], ["chosen"]),
        makeNode("ReduceSum", ["chosen"], ["s"], { keepdims: 0 }),
      ],
      inputs: { ...inputs, R: { dims: y!.dims, data: y!.data } },
      outputs: ["s"],
    }),
    { output: "s", parameters: "constants" },
  );
  const rows: Record<string, number[]>[] = [];
  for (let k = 0; k < y!.data.length; k++) {
    const data = y!.data.map((_, j) => j === k ? 1 : 0);
    const found = await runModel(alone.model, { ...inputs, R: { dims: y!.dims, data } });
    rows.push(Object.fromEntries([...alone.gradients].map(([p, g]) => [p, found[g]!.data])));
  }
  const h = test.hessian(y!.data);

  for (const symbols of test.symbols === undefined ? [{}] : [{}, { x: test.symbols }]) {
    const options = { loss: test.loss, parameters: "constants" as const };
    const result = (test.sample ?? gaussNewtonSample)(makeModel({ ...graph, symbols }), options);
    const session = await openModel(result.model);
    const mean: Record<string, number[]> = {};
    let total = 0;
    const shape = test.loss.type === "crossEntropy" ? test.labels.dims : y!.dims;
    try {
      for (const { u, p } of combinations(test.draws(y!.data))) {
        const uniform = { dims: shape, data: u };
        const found = await session.run({ ...inputs, labels: test.labels, uniform });
        total += p;
        for (const [name, curvature] of result.curvatures) {
          const sample = found[curvature]!.data;
          assert.ok(sample.every((v) => v >= 0), "a sample is a square");
          const sum = mean[name] ?? sample.map(() => 0);
          mean[name] = sum.map((s, k) => s + p * sample[k]!);
        }
      }
    } finally {
      await session.release();
    }
    compare([total], [1], 1e-12, "total probability");
    for (const name of result.parameters) {
      const expected = rows[0]![name]!.map((_, e) => {
        let sum = 0;
        rows.forEach((a, i) =>
          rows.forEach((b, j) => sum += a[name]![e]! * h[i]![j]! * b[name]![e]!)
        );
        return sum;
      });
      // ONNX Runtime moves factors into products of matrices as float32.
      compare(mean[name]!, expected, 1e-6, `${test.name}: "${name}"`);
    }
  }
}

function softmax(z: readonly number[]): number[] {
  const e = z.map(Math.exp);
  const sum = e.reduce((a, b) => a + b);
  return e.map((v) => v / sum);
}

const rowsOf = (y: readonly number[], width: number) =>
  Array.from({ length: y.length / width }, (_, i) => y.slice(i * width, (i + 1) * width));

/** Cross-entropy of rows of three classes, row i with weight c_i in the loss. */
function crossEntropy(
  name: string,
  options: Partial<Extract<Loss, { type: "crossEntropy" }>>,
  c: readonly number[],
  rest: Partial<Case> = {},
): Case {
  return {
    name: `cross-entropy, ${name}`,
    loss: { type: "crossEntropy", ...options },
    x: [3, 2],
    outputs: 3,
    labels: { dims: [3], data: [0, 2, 1], type: INT64 },
    // c (diag p − p pᵀ), a block for each example
    hessian: (y) => {
      const p = rowsOf(y, 3).map(softmax);
      return y.map((_, i) =>
        y.map((_, j) => {
          const [row, a, b] = [Math.floor(i / 3), i % 3, j % 3];
          if (Math.floor(j / 3) !== row) return 0;
          return c[row]! * ((a === b ? p[row]![a]! : 0) - p[row]![a]! * p[row]![b]!);
        })
      );
    },
    draws: (y) =>
      rowsOf(y, 3).map(softmax).map(([a, b, last]) => [
        [a! / 2, a!],
        [a! + b! / 2, b!],
        [1 - last! / 2, last!],
      ]),
    symbols: ["N", 2],
    ...rest,
  };
}

/** A loss of single elements: a diagonal H. */
function elementwise(
  name: string,
  loss: Loss,
  second: (y: number, k: number) => number,
  rest: Partial<Case> = {},
): Case {
  return {
    name,
    loss,
    x: [2, 2],
    outputs: 2,
    labels: { dims: [2, 2], data: [0.3, -0.4, 1.2, 5] },
    hessian: (y) => y.map((v, i) => y.map((_, j) => i === j ? second(v, i) : 0)),
    draws: (y) => y.map(() => [[0.25, 0.5], [0.75, 0.5]]),
    symbols: ["N", 2],
    ...rest,
  };
}

const binary = { dims: [2, 2], data: [0, 1, 1, 0.25] };
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const chances = (y: readonly number[]) =>
  y.map(sigmoid).map((p): [number, number][] => [[p / 2, p], [(1 + p) / 2, 1 - p]]);
/** The residuals of the fixture's outputs lie on both sides of 1. */
const huberLabels = { dims: [2, 2], data: [0.3, -4, 1.2, 5] };
const inside = (y: number, k: number, delta: number) =>
  Math.abs(y - huberLabels.data[k]!) <= delta ? 1 : 0;

const thirds = [1 / 3, 1 / 3, 1 / 3];
const cases: readonly Case[] = [
  crossEntropy("mean", {}, thirds),
  crossEntropy("sum", { reduction: "sum" }, [1, 1, 1]),
  crossEntropy("weights", { weights: [1, 2, 5] }, [1 / 8, 5 / 8, 2 / 8]),
  crossEntropy("weights, sum", { weights: [1, 2, 5], reduction: "sum" }, [1, 5, 2]),
  crossEntropy("ignoreIndex", { ignoreIndex: -100 }, [1 / 2, 0, 1 / 2], {
    labels: { dims: [3], data: [0, -100, 1], type: INT64 },
  }),
  crossEntropy("ignoreIndex, sum", { ignoreIndex: 2, reduction: "sum" }, [1, 0, 1]),
  crossEntropy("weights and ignoreIndex", { weights: [1, 2, 5], ignoreIndex: 2 }, [
    1 / 3,
    0,
    2 / 3,
  ]),
  // −log p of every class has the same Hessian, so that of any mixture of them is the same.
  crossEntropy("labelSmoothing", { labelSmoothing: 0.2 }, thirds),
  crossEntropy(
    "labelSmoothing and ignoreIndex",
    { labelSmoothing: 0.2, ignoreIndex: 2 },
    [1 / 2, 0, 1 / 2],
  ),
  crossEntropy("axis last of rows", { axis: -1 }, thirds),
  crossEntropy("axis last of sequences", { axis: -1 }, [1 / 4, 1 / 4, 1 / 4, 1 / 4], {
    x: [2, 2, 2],
    labels: { dims: [2, 2], data: [0, 2, 1, 1], type: INT64 },
    symbols: ["N", "T", 2],
  }),
  crossEntropy(
    "axis last of sequences, weights and ignoreIndex",
    { axis: 2, weights: [1, 2, 5], ignoreIndex: -1 },
    [1 / 8, 5 / 8, 0, 2 / 8],
    {
      x: [2, 2, 2],
      labels: { dims: [2, 2], data: [0, 2, -1, 1], type: INT64 },
      symbols: ["N", "T", 2],
    },
  ),
  elementwise("binary cross-entropy", { type: "binaryCrossEntropy" }, (z) => {
    return sigmoid(z) * (1 - sigmoid(z)) / 4;
  }, { labels: binary, draws: chances }),
  elementwise(
    "binary cross-entropy, sum",
    { type: "binaryCrossEntropy", reduction: "sum" },
    (z) => sigmoid(z) * (1 - sigmoid(z)),
    { labels: binary, draws: chances },
  ),
  elementwise("mse", { type: "mse" }, () => 2 / 4),
  elementwise("mse, sum", { type: "mse", reduction: "sum" }, () => 2),
  elementwise("huber", { type: "huber" }, (y, k) => inside(y, k, 1) / 4, { labels: huberLabels }),
  elementwise(
    "huber, sum, δ = 4",
    { type: "huber", delta: 4, reduction: "sum" },
    (y, k) => inside(y, k, 4),
    { labels: huberLabels },
  ),
];

Deno.test("The mean of gaussNewtonSample() over all draws is diag(JᵀHJ)", async (t) => {
  for (const test of cases) await t.step(test.name, () => checkExpectation(test));
});

/** `E[ψ²]` under `p(r) ∝ e^{−huber(r)}`, by sums over a fine grid. */
function huberInformation(delta: number): number {
  const [step, end] = [1e-3, 60];
  let [mass, squares] = [0, 0];
  for (let r = -end; r < end; r += step) {
    const size = Math.abs(r);
    const density = Math.exp(-(size <= delta ? r * r / 2 : delta * (size - delta / 2)));
    mass += density;
    squares += density * Math.min(size, delta) ** 2;
  }
  return squares / mass;
}

// Two examples with two outputs each: the mean over examples of the sum over outputs.
const fisherCases: readonly Case[] = [
  crossEntropy("mean", {}, thirds),
  crossEntropy("sum", { reduction: "sum" }, [1, 1, 1]),
  crossEntropy("weights", { weights: [1, 2, 5] }, [1 / 8, 5 / 8, 2 / 8]),
  crossEntropy("ignoreIndex", { ignoreIndex: 2 }, [1 / 2, 0, 1 / 2]),
  elementwise("binary cross-entropy", { type: "binaryCrossEntropy" }, (z) => {
    return sigmoid(z) * (1 - sigmoid(z)) / 2;
  }, { labels: binary, draws: chances }),
  elementwise(
    "binary cross-entropy, sum",
    { type: "binaryCrossEntropy", reduction: "sum" },
    (z) => sigmoid(z) * (1 - sigmoid(z)),
    { labels: binary, draws: chances },
  ),
  elementwise("mse", { type: "mse" }, () => 1 / 2),
  elementwise("mse, sum", { type: "mse", reduction: "sum" }, () => 1),
  elementwise("mse of sequences", { type: "mse" }, () => 1 / 2, {
    x: [2, 3, 2],
    outputs: 1,
    labels: { dims: [2, 3, 1], data: [1, 2, 3, 4, 5, 6] },
    symbols: ["N", "T", 2],
  }),
  elementwise("l1", { type: "l1" }, () => 1 / 2),
  elementwise("huber", { type: "huber" }, () => huberInformation(1) / 2),
  elementwise(
    "huber, sum, δ = 3",
    { type: "huber", delta: 3, reduction: "sum" },
    () => huberInformation(3),
  ),
].map((test) => ({ ...test, sample: fisherSample }));

Deno.test("The mean of fisherSample() over all draws is diag(JᵀIJ), I the labels' information", async (t) => {
  for (const test of fisherCases) await t.step(test.name, () => checkExpectation(test));
});

Deno.test("Fisher of y = w x with squared error is x², Gauss-Newton 2x²", async () => {
  const model = makeModel({
    nodes: [makeNode("Mul", ["x", "w"], ["y"])],
    inputs: { x: { dims: [1, 1], data: [3] } },
    initializers: { w: { dims: [1, 1], data: [0.5] } },
    outputs: ["y"],
  });
  for (const [curvature, expected] of [["fisher", 9], ["gaussNewton", 18]] as const) {
    for (const u of [0.2, 0.7]) {
      const graph = trainingGraph(model, {
        loss: { type: "mse" },
        curvature,
        parameters: "constants",
      });
      const one = (v: number) => ({ dims: [1, 1], data: [v] });
      const found = await runModel(graph.model, { x: one(3), labels: one(1), uniform: one(u) });
      // √2 is rounded.
      compare(found[graph.curvatures!.get("w")!]!.data, [expected], 1e-7, curvature);
    }
  }
});

Deno.test("The mean of Fisher samples over pseudorandom numbers comes to the same", async () => {
  const [batch, outputs] = [8000, 3];
  const row = [0.4, -0.7, 1.1];
  const z: Value = {
    dims: [batch, outputs],
    data: Array.from({ length: batch }, () => row).flat(),
  };
  const { model, curvatures } = fisherSample(identity(z), {
    loss: { type: "binaryCrossEntropy" },
    trainable: ["z"],
  });
  const source = random(11);
  const uniform = { dims: z.dims, data: z.data.map(() => source.uniform()) };
  const labels = { dims: z.dims, data: z.data.map(() => 0) };
  const found = await runModel(model, { z, labels, uniform });
  const sums = [0, 0, 0];
  found[curvatures.get("z")!]!.data.forEach((s, k) => sums[k % outputs]! += s);
  // Of each example's (p − ŷ)²/B, a deviation of at most 1/4 an example: below 0.003 of the mean.
  row.map(sigmoid).forEach((p, c) => assert.ok(Math.abs(sums[c]! - p * (1 - p)) < 0.012));
});

Deno.test("The output that a loss names is sampled, not the first", async () => {
  const model = makeModel({
    nodes: [makeNode("Mul", ["x", "w"], ["y"]), makeNode("Mul", ["y", "y"], ["square"])],
    inputs: { x: { dims: [1], data: [3] } },
    initializers: { w: { dims: [1], data: [0.5] } },
    outputs: ["y", "square"],
  });
  const { model: sampled, curvatures } = fisherSample(model, {
    loss: { type: "mse", output: "square" },
    parameters: "constants",
  });
  const one = (v: number) => ({ dims: [1], data: [v] });
  const found = await runModel(sampled, { x: one(3), labels: one(0), uniform: one(0.1) });
  // ∂(w x)²/∂w = 2 w x² = 9
  compare(found[curvatures.get("w")!]!.data, [81], 1e-7, "J²");
});

Deno.test("trainingGraph() refuses a curvature that there is not", () => {
  assert.throws(
    () => trainingGraph(small(), { loss: { type: "mse" }, curvature: "bartlett" as never }),
    /RangeError: Cannot differentiate: curvature must be "gaussNewton", "fisher" or/,
  );
});

/** A model that is the identity: samples by "y" are `s²` themselves. */
const identity = (z: Value, symbols: TestGraph["symbols"] = {}) =>
  makeModel({
    nodes: [makeNode("Identity", ["z"], ["y"])],
    inputs: { z },
    outputs: ["y"],
    symbols,
  });

Deno.test("Classes along axis 1 of an image are drawn for every place", async () => {
  const z = normal(1, [2, 3, 2, 2]);
  const { model, curvatures } = gaussNewtonSample(identity(z, { z: ["N", 3, "H", "W"] }), {
    loss: { type: "crossEntropy", reduction: "sum" },
    trainable: ["z"],
  });
  const source = random(7);
  const uniform = { dims: [2, 2, 2], data: Array.from({ length: 8 }, () => source.uniform()) };
  const labels = { dims: [2, 2, 2], data: [0, 1, 2, 0, 1, 2, 0, 1], type: INT64 };
  const found = await runModel(model, { z, labels, uniform });
  const expected = z.data.map(() => 0);
  for (let place = 0; place < 8; place++) {
    const at = (c: number) => 12 * Math.floor(place / 4) + 4 * c + place % 4;
    const p = softmax([0, 1, 2].map((c) => z.data[at(c)]!));
    const u = uniform.data[place]!;
    const drawn = u < p[0]! ? 0 : u < p[0]! + p[1]! ? 1 : 2;
    p.forEach((v, c) => expected[at(c)] = (v - (c === drawn ? 1 : 0)) ** 2);
  }
  compare(found[curvatures.get("z")!]!.data, expected, 1e-12, "(p − onehot)²");
});

Deno.test("Exactly one class is drawn at the ends of [0, 1) and between, in float32", async () => {
  const last = 1 - 2 ** -24;
  const us = [0, 2 ** -24, 0.1, 1 / 3, 0.5, 0.9, 1 - 2 ** -20, last];
  const logits = [[0, 0, 0], [80, 0, -80], [-80, 0, 80], [0, -200, -200], [-200, -200, 0], [
    3,
    1,
    2,
  ]];
  const dims = [us.length * logits.length, 3];
  const z: Value = { dims, data: us.flatMap(() => logits.flat()), type: FLOAT };
  const { model, curvatures } = gaussNewtonSample(identity(z), {
    loss: { type: "crossEntropy", reduction: "sum" },
    trainable: ["z"],
  });
  const found = await runModel(model, {
    z,
    labels: { dims: [dims[0]!], data: Array(dims[0]!).fill(0), type: INT64 },
    uniform: { dims: [dims[0]!], data: us.flatMap((u) => logits.map(() => u)), type: FLOAT },
  });
  rowsOf(found[curvatures.get("z")!]!.data, 3).forEach((squares, row) => {
    const p = softmax(logits[row % logits.length]!);
    // Against what each class would give.
    const matches = [0, 1, 2].filter((c) =>
      squares.every((s, k) => Math.abs(s - (p[k]! - (k === c ? 1 : 0)) ** 2) < 1e-5)
    );
    const what = `u = ${us[Math.floor(row / logits.length)]}, logits ${
      logits[row % logits.length]
    }`;
    assert.equal(matches.length, 1, what);
    assert.ok(p[matches[0]!]! > 0, `${what}: a class without probability`);
  });
});

Deno.test("The mean over pseudorandom numbers comes to the same", async () => {
  const dims = [20000, 3];
  const row = [0.4, -0.7, 1.1];
  const z: Value = { dims, data: Array.from({ length: dims[0]! }, () => row).flat() };
  const { model, curvatures } = gaussNewtonSample(identity(z), {
    loss: { type: "crossEntropy", reduction: "sum" },
    trainable: ["z"],
  });
  const source = random(11);
  const found = await runModel(model, {
    z,
    labels: { dims: [dims[0]!], data: Array(dims[0]!).fill(0), type: INT64 },
    uniform: { dims: [dims[0]!], data: Array.from({ length: dims[0]! }, () => source.uniform()) },
  });
  const sums = [0, 0, 0];
  found[curvatures.get("z")!]!.data.forEach((s, k) => sums[k % 3]! += s / dims[0]!);
  // The standard deviation of a mean of 20,000 is below 0.004.
  softmax(row).forEach((p, c) => assert.ok(Math.abs(sums[c]! - p * (1 - p)) < 0.012));
});

const small = () =>
  makeModel({
    nodes,
    inputs: { x: normal(1, [3, 2]) },
    initializers: { w1: normal(2, [2, 3]), c: normal(3, [3]), w2: normal(4, [3, 3]) },
    outputs: ["y"],
  });

Deno.test("gaussNewtonSample() refuses the l1 loss", () => {
  assert.throws(
    () => gaussNewtonSample(small(), { loss: { type: "l1" } }),
    /OnnxError: Cannot sample the curvature of the l1 loss: its second derivative is zero almost/,
  );
});

Deno.test("gaussNewtonSample() refuses a name for the uniform input that is taken", () => {
  assert.throws(
    () => gaussNewtonSample(small(), { loss: { type: "mse" }, uniform: "h" }),
    /OnnxError: Cannot sample the curvature: the graph already has a value "h"/,
  );
});

Deno.test("trainingGraph() refuses to sample the curvature of an unknown loss", () => {
  const model = makeModel({
    nodes: [...nodes, makeNode("ReduceSum", ["y"], ["total"], { keepdims: 0 })],
    inputs: { x: normal(1, [3, 2]) },
    initializers: { w1: normal(2, [2, 3]), c: normal(3, [3]), w2: normal(4, [3, 3]) },
    outputs: ["total"],
  });
  assert.throws(
    () => trainingGraph(model, { output: "total", curvature: "gaussNewton" }),
    /OnnxError: Cannot sample the curvature: "total" is neither SoftmaxCrossEntropyLoss without/,
  );
});
