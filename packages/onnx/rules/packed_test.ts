import assert from "node:assert/strict";
import { compare, makeModel, makeNode, normal, runModel, type Value } from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { addLora } from "../lora/add_lora.ts";
import { loraAdapters } from "../lora/adapters.ts";
import { mergeLora } from "../lora/merge_lora.ts";
import { DataType } from "../model/data_type.ts";
import { makeTensor } from "../model/tensor.ts";

const { FLOAT, INT32, INT64, UINT8 } = DataType;
const floats = (seed: number, dims: readonly number[]): Value => ({
  ...normal(seed, dims, Math.fround),
  type: FLOAT,
});

/** Weights of N rows and K columns in blocks, as MatMulNBits keeps them, and as they are meant. */
function packedWeights(
  { N, K, block, bits, zeros, order }: {
    readonly N: number;
    readonly K: number;
    readonly block: number;
    readonly bits: 4 | 8;
    readonly zeros: boolean;
    /** The block of each column. */
    readonly order?: readonly number[];
  },
) {
  const blocks = Math.ceil(K / block);
  const top = 2 ** bits;
  const integer = (seed: number, size: number) =>
    normal(seed, [size], (x) => Math.min(top - 1, Math.max(0, Math.round(top * (x / 4 + 0.5)))))
      .data;
  const q = integer(3, N * blocks * block);
  const z = zeros ? integer(4, N * blocks) : new Array(N * blocks).fill(top / 2);
  const scales = floats(5, [N, blocks]).data.map((s) => Math.fround(0.1 * s));
  const W = Array.from({ length: N * K }, (_, at) => {
    const [n, k] = [Math.floor(at / K), at % K];
    const cell = n * blocks + (order?.[k] ?? Math.floor(k / block));
    return (q[n * blocks * block + k]! - z[cell]!) * scales[cell]!;
  });
  /** Two to a byte, the lower half first; each row of `columns` begins with a byte of its own. */
  const pack = (values: readonly number[], columns: number) => {
    if (bits === 8) return [...values];
    const bytes = Math.ceil(columns / 2);
    return Array.from({ length: values.length / columns * bytes }, (_, at) => {
      const [row, k] = [Math.floor(at / bytes), 2 * (at % bytes)];
      const of = (j: number) => j < columns ? values[row * columns + j]! : 0;
      return of(k) + 16 * of(k + 1);
    });
  };
  const width = block * bits / 8;
  const zeroBytes = pack(z, blocks);
  return {
    W,
    initializers: {
      "q.weight": { dims: [N, blocks, width], data: pack(q, blocks * block), type: UINT8 },
      scales: { dims: [N * blocks], data: scales, type: FLOAT },
      ...(zeros ? { zeros: { dims: [zeroBytes.length], data: zeroBytes, type: UINT8 } } : {}),
      ...(order ? { order: { dims: [order.length], data: order, type: INT32 } } : {}),
    },
    attributes: { K, N, bits, block_size: block },
  };
}

const cases = [
  { N: 5, K: 32, block: 16, bits: 4, zeros: true },
  { N: 6, K: 40, block: 16, bits: 4, zeros: true }, // the last block is not full
  { N: 3, K: 32, block: 32, bits: 4, zeros: false },
  { N: 4, K: 48, block: 16, bits: 8, zeros: true },
  { N: 4, K: 32, block: 32, bits: 8, zeros: false },
] as const;
/** Columns as training by the order of their importance leaves them. */
const shuffled = (K: number, block: number) =>
  Array.from({ length: K }, (_, k) => Math.floor((7 * k) % K / block));
const ordered = [
  { N: 5, K: 48, block: 16, bits: 4, zeros: false, order: shuffled(48, 16) },
  { N: 3, K: 32, block: 16, bits: 4, zeros: false, order: shuffled(32, 16) },
] as const;

for (const test of [...cases, ...ordered]) {
  const { N, K, bits, zeros } = test;
  const order = "order" in test;
  const name = `${bits} bits, [${N}, ${K}]${zeros ? " with zero points" : ""}${
    order ? " in another order" : ""
  }`;
  Deno.test(`The gradient of MatMulNBits is that of its weights as floats: ${name}`, async () => {
    const { W, initializers, attributes } = packedWeights(test);
    const x = floats(1, [2, 3, K]);
    const inputs = [
      "x",
      "q.weight",
      "scales",
      ...(zeros ? ["zeros"] : order ? [""] : []),
      ...(order ? ["order"] : []),
    ];
    const graph = (symbols: readonly (number | string)[]) =>
      makeModel({
        nodes: [
          makeNode("MatMulNBits", inputs, ["h"], attributes, "com.microsoft"),
          makeNode("Mul", ["h", "h"], ["s"]),
          makeNode("ReduceSum", ["s"], ["y"], { keepdims: 0 }),
        ],
        inputs: { x },
        initializers,
        outputs: ["y"],
        symbols: { x: symbols },
      });
    // y = Σ (x Wᵀ)²: ∂x = 2 (x Wᵀ) W
    const product = Array.from({ length: 6 * N }, (_, at) => {
      const [row, n] = [Math.floor(at / N), at % N];
      return Array.from({ length: K }, (_, k) => x.data[row * K + k]! * W[n * K + k]!)
        .reduce((a, b) => a + b);
    });
    const expected = x.data.map((_, at) => {
      const [row, k] = [Math.floor(at / K), at % K];
      return 2 * Array.from({ length: N }, (_, n) => product[row * N + n]! * W[n * K + k]!)
        .reduce((a, b) => a + b);
    });
    for (const symbols of [[2, 3, K], ["B", "T", K]]) {
      const { model } = differentiate(graph(symbols), { output: "y", trainable: ["x"] });
      compare((await runModel(model, { x }))["x_grad"]!.data, expected, 1e-5, name);
    }
  });
}

Deno.test("Another order of columns with zero points is refused: the kernel leaves them out", () => {
  const { initializers, attributes } = packedWeights({ ...cases[0], order: shuffled(32, 16) });
  const inputs = ["x", "q.weight", "scales", "zeros", "order"];
  const model = makeModel({
    nodes: [makeNode("MatMulNBits", inputs, ["y"], attributes, "com.microsoft")],
    inputs: { x: floats(1, [2, 32]) },
    initializers,
    outputs: ["y"],
  });
  assert.throws(
    () => differentiate(model, { loss: { type: "mse" }, trainable: ["x"] }),
    /MatMulNBits.*another order \(g_idx\), with which .* zero points; quantize without zero points$/,
  );
});

Deno.test("Adapters beside packed weights are trained, and stay", async () => {
  const { initializers, attributes } = packedWeights(cases[0]);
  const model = makeModel({
    nodes: [
      makeNode("MatMul", ["x", "in.weight"], ["e"]),
      makeNode(
        "MatMulNBits",
        ["e", "q.weight", "scales", "zeros"],
        ["h"],
        attributes,
        "com.microsoft",
      ),
      makeNode("Tanh", ["h"], ["t"]),
      makeNode("MatMul", ["t", "head.weight"], ["y"]),
    ],
    inputs: { x: floats(1, [4, 8]) },
    initializers: {
      ...initializers,
      "in.weight": floats(7, [8, 32]),
      "head.weight": floats(8, [5, 3]),
    },
    outputs: ["y"],
  });
  const x = floats(1, [4, 8]);
  const adapted = addLora(model, { rank: 2 });
  assert.deepEqual(loraAdapters(adapted).map(({ name }) => name), ["in", "q"]);
  const before = await runModel(model, { x });
  assert.deepEqual((await runModel(adapted, { x })).y!.data, before.y!.data);
  const { model: gradient, parameters } = differentiate(adapted, {
    loss: { type: "mse" },
    parameters: "constants",
  });
  assert.equal(parameters.length, 4);
  const found = await runModel(gradient, { x, labels: floats(9, [4, 3]) });
  for (const b of ["in.lora_B.weight", "q.lora_B.weight"]) {
    assert.ok(found[`${b}_grad`]!.data.some((g) => g !== 0), b);
  }
  assert.throws(() => mergeLora(adapted), /its weight "q\.weight" is quantized or cast/);
  assert.deepEqual(
    loraAdapters(mergeLora(adapted, { quantized: "keep" })).map(({ name }) => name),
    ["q"],
  );
  assert.throws(
    () => differentiate(adapted, { loss: { type: "mse" }, trainable: ["scales"] }),
    /MatMulNBits.*scales and zero points of packed weights are frozen/,
  );
});

for (const bits of [4, 8] as const) {
  Deno.test(`Adapters on a packed table of ${bits} bits have the gradients of one of floats`, async () => {
    const [rows, width] = [7, 32];
    const { W, initializers } = packedWeights({ N: rows, K: width, block: 16, bits, zeros: true });
    const { "q.weight": q, scales, zeros } = initializers;
    const ids = { dims: [2, 2], data: [3, 0, 6, 3], type: INT64 };
    const model = makeModel({
      nodes: [
        makeNode(
          "GatherBlockQuantized",
          ["embed.weight", "ids", "scales", "zeros"],
          ["y"],
          { bits, block_size: 16, gather_axis: 0, quantize_axis: 1 },
          "com.microsoft",
        ),
      ],
      inputs: { ids },
      initializers: {
        "embed.weight": { ...q, dims: [rows, width * bits / 8] },
        scales: { ...scales, dims: [rows, 2] },
        zeros: { ...zeros!, dims: [rows, zeros!.data.length / rows] },
      },
      outputs: ["y"],
    });
    const adapted = addLora(model, { rank: 2, alpha: 2, targets: /embed/ });
    assert.deepEqual(loraAdapters(adapted).map(({ name }) => name), ["embed"]);
    const { model: gradient, parameters } = differentiate(adapted, {
      loss: { type: "mse" },
      parameters: "constants",
    });
    assert.equal(parameters.length, 2);
    const labels = floats(9, [2, 2, width]);
    const B = floats(10, [2, width]);
    // A begins with zeros.
    const values = { A: floats(11, [rows, 2]), B };
    for (const [leaf, { dims, data }] of Object.entries(values)) {
      const name = `embed.lora_embedding_${leaf}`;
      const { initializer } = gradient.graph!;
      const at = initializer.findIndex((tensor) => tensor.name === name);
      initializer[at] = makeTensor(name, FLOAT, dims, Float32Array.from(data));
    }
    const found = await runModel(gradient, { ids, labels });
    // h = T[ids] + A[ids] B, L = mean((h − t)²)
    const A = values.A.data;
    const dh = labels.data.map((t, at) => {
      const [i, j] = [ids.data[Math.floor(at / width)]!, at % width];
      const h = W[i * width + j]! + A[2 * i]! * B.data[j]! + A[2 * i + 1]! * B.data[width + j]!;
      return 2 * (h - t) / labels.data.length;
    });
    const dA = A.map(() => 0), dB = B.data.map(() => 0);
    dh.forEach((d, at) => {
      const [i, j] = [ids.data[Math.floor(at / width)]!, at % width];
      for (const r of [0, 1]) {
        dA[2 * i + r]! += d * B.data[r * width + j]!;
        dB[r * width + j]! += d * A[2 * i + r]!;
      }
    });
    compare(found["embed.lora_embedding_A_grad"]!.data, dA, 1e-5, "A");
    compare(found["embed.lora_embedding_B_grad"]!.data, dB, 1e-5, "B");
    assert.throws(
      () => differentiate(adapted, { loss: { type: "mse" }, trainable: ["scales"] }),
      /GatherBlockQuantized.*the scales of a packed table are frozen/,
    );
  });
}

Deno.test("Integers of a size that ONNX Runtime does not pack are refused by it", () => {
  const read = () =>
    differentiate(
      makeModel({
        nodes: [
          makeNode(
            "GatherBlockQuantized",
            ["table", "ids", "scales"],
            ["rows"],
            { bits: 3, block_size: 16 },
            "com.microsoft",
          ),
          makeNode("Mul", ["rows", "w"], ["y"]),
          makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 }),
        ],
        inputs: { ids: { dims: [2], data: [0, 1], type: DataType.INT64 } },
        initializers: {
          table: { dims: [2, 8], data: new Array(16).fill(0), type: DataType.UINT8 },
          scales: { dims: [2, 1], data: [1, 1], type: DataType.FLOAT },
          w: { dims: [1], data: [1], type: DataType.FLOAT },
        },
        outputs: ["loss"],
      }),
      { output: "loss", trainable: ["w"] },
    );
  assert.throws(read, /GatherBlockQuantized .*: its integers have 3 bits, expected are 4 or 8/);
});
