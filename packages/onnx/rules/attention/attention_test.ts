import { DataType } from "../../model/data_type.ts";
import { type AttributeValue, float } from "../../model/attributes.ts";
import {
  checkGradients,
  compare,
  type GradientCase,
  makeNode,
  normal,
  testGradients,
  type Value,
} from "../../_testing.ts";
import { gradientOf } from "../_testing.ts";
import assert from "node:assert/strict";

const bool = (dims: readonly number[], data: readonly number[]): Value => ({
  dims,
  data,
  type: DataType.BOOL,
});
const int = (dims: readonly number[], data: readonly number[]): Value => ({
  dims,
  data,
  type: DataType.INT64,
});

/** One node, its kernel of float32 in ONNX Runtime being what the differences are taken of. */
function attention(
  name: string,
  inputs: Readonly<Record<string, Value>>,
  attributes: Readonly<Record<string, AttributeValue>> = {},
  more: Partial<GradientCase> = {},
): GradientCase {
  const reads = ["q", "k", "v", "mask", "past_k", "past_v"]
    .map((key) => key in inputs ? key : "");
  while (reads.at(-1) === "") reads.pop();
  const caches = "past_k" in inputs ? ["present_k", "present_v"] : [];
  return {
    name: `Attention ${name}`,
    nodes: [makeNode("Attention", reads, ["y", ...caches], attributes)],
    inputs,
    outputs: ["y", ...caches],
    opset: 23,
    precision: "float",
    secondOrder: false,
    ...more,
  };
}

const heads = (seed: number, count: number, length: number, size = 4) =>
  normal(seed, [2, count, length, size]);
const four = { q: heads(1, 2, 3), k: heads(2, 2, 5), v: heads(3, 2, 5) };
const square = { q: heads(1, 2, 4), k: heads(2, 2, 4), v: heads(3, 2, 4) };

const cases: readonly GradientCase[] = [
  attention("of rank 4", four),
  attention("with a scale of its own", four, { scale: float(0.3) }),
  attention("with values of another size", { ...four, v: heads(3, 2, 5, 3) }),
  attention("of rank 3", {
    q: normal(1, [2, 3, 8]),
    k: normal(2, [2, 5, 8]),
    v: normal(3, [2, 5, 8]),
  }, { q_num_heads: 2, kv_num_heads: 2 }),
  attention("of grouped queries", { q: heads(1, 4, 3), k: heads(2, 2, 3), v: heads(3, 2, 3) }),
  attention("of one head of keys", { q: heads(1, 4, 3), k: heads(2, 1, 3), v: heads(3, 1, 3) }),
  attention("that is causal", square, { is_causal: 1 }),
  attention("with a mask that is added", { ...four, mask: normal(4, [3, 5]) }),
  attention("with a mask for each head", { ...four, mask: normal(4, [2, 2, 3, 5]) }),
  attention("with a mask of conditions", {
    ...four,
    mask: bool([3, 5], [1, 0, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1]),
  }),
  attention("with a soft cap", four, { softcap: float(1.5) }),
  attention("after a cache", {
    q: heads(1, 2, 2),
    k: heads(2, 2, 2),
    v: heads(3, 2, 2),
    past_k: heads(4, 2, 3),
    past_v: heads(5, 2, 3),
  }),
  attention("of unknown sizes", square, { is_causal: 1 }, {
    symbols: {
      q: ["B", 2, "S", 4],
      k: ["B", 2, "S", 4],
      v: ["B", 2, "S", 4],
    },
  }),
];

testGradients(
  "Attention has the gradient that central differences of ONNX Runtime's kernel give",
  cases,
);

Deno.test("A query that may look at nothing gives 0 and has no gradient", async () => {
  const mask = bool([2, 3], [1, 0, 1, 0, 0, 0]);
  const inputs = {
    q: normal(1, [1, 1, 2, 4]),
    k: normal(2, [1, 1, 3, 4]),
    v: normal(3, [1, 1, 3, 4]),
    mask,
  };
  const node = makeNode("Attention", ["q", "k", "v", "mask"], ["z"]);
  const nodes = [node, makeNode("Mul", ["z", "z"], ["y"])];
  const all = await gradientOf(nodes, inputs, { opset: 23, wanted: ["q", "k", "v"] });
  // As if the second query were not there.
  const first = {
    ...inputs,
    q: { dims: [1, 1, 1, 4], data: inputs.q.data.slice(0, 4) },
    mask: bool([1, 3], [1, 0, 1]),
  };
  const one = await gradientOf(nodes, first, { opset: 23, wanted: ["q", "k", "v"] });
  compare(all["q"]!, [...one["q"]!, 0, 0, 0, 0], 1e-12, "q");
  compare(all["k"]!, one["k"]!, 1e-12, "k");
  compare(all["v"]!, one["v"]!, 1e-12, "v");
});

Deno.test("Windows and lengths without padding choose keys as conditions do", async () => {
  const base = {
    q: normal(1, [2, 1, 3, 4]),
    k: normal(2, [2, 1, 5, 4]),
    v: normal(3, [2, 1, 5, 4]),
  };
  const run = (
    inputs: Readonly<Record<string, Value>>,
    attributes: Record<string, AttributeValue>,
  ) => {
    const reads = [
      "q",
      "k",
      "v",
      "mask" in inputs ? "mask" : "",
      "",
      "",
      "nonpad" in inputs ? "nonpad" : "",
    ];
    while (reads.at(-1) === "") reads.pop();
    const nodes = [
      makeNode("Attention", reads, ["z"], attributes),
      makeNode("Mul", ["z", "z"], ["y"]),
    ];
    return gradientOf(nodes, inputs, { opset: 24, wanted: ["q", "k", "v"] });
  };
  const allowed = (may: (batch: number, query: number, key: number) => boolean) => {
    const data: number[] = [];
    for (let n = 0; n < 2; n++) {
      for (let i = 0; i < 3; i++) for (let j = 0; j < 5; j++) data.push(may(n, i, j) ? 1 : 0);
    }
    return bool([2, 1, 3, 5], data);
  };
  const nonpad = int([2], [4, 3]);
  const valid = [4, 3];
  const pairs = [
    [
      { left_window_size: 1, right_window_size: 0 },
      {},
      (_: number, i: number, j: number) => i - 1 <= j && j <= i,
    ],
    [{}, { nonpad }, (n: number, _: number, j: number) => j < valid[n]!],
    // The queries are the last of the keys that are there.
    [
      { is_causal: 1 },
      { nonpad },
      (n: number, i: number, j: number) => j <= i + valid[n]! - 3 && j < valid[n]!,
    ],
  ] as const;
  for (const [attributes, more, may] of pairs) {
    const found = await run({ ...base, ...more }, attributes);
    const expected = await run({ ...base, mask: allowed(may) }, {});
    for (const name of ["q", "k", "v"]) compare(found[name]!, expected[name]!, 1e-12, name);
    assert.ok(found["k"]!.some((x) => x !== 0));
  }
});

const angles = (seed: number, dims: readonly number[]) => normal(seed, dims);
const rotary = (
  name: string,
  inputs: Readonly<Record<string, Value>>,
  attributes: Readonly<Record<string, AttributeValue>> = {},
): GradientCase => ({
  name: `RotaryEmbedding ${name}`,
  nodes: [
    makeNode("RotaryEmbedding", Object.keys(inputs), ["z"], attributes),
    makeNode("Mul", ["z", "z"], ["y"]),
  ],
  inputs,
  opset: 23,
  precision: "float",
  secondOrder: false,
});
const cached = {
  cos: angles(2, [6, 2]),
  sin: angles(3, [6, 2]),
  ids: int([2, 3], [0, 1, 2, 3, 4, 5]),
};

Deno.test("RotaryEmbedding has the gradient that central differences of ONNX Runtime's kernel give", async (t) => {
  const tests = [
    rotary("of rank 4", { x: normal(1, [2, 2, 3, 4]), ...cached }),
    rotary("of rank 3", { x: normal(1, [2, 3, 8]), ...cached }, { num_heads: 2 }),
    rotary("of neighbours", { x: normal(1, [2, 2, 3, 4]), ...cached }, { interleaved: 1 }),
    rotary("of a part", { x: normal(1, [2, 2, 3, 6]), ...cached }, { rotary_embedding_dim: 4 }),
    rotary("with angles for each place", {
      x: normal(1, [2, 2, 3, 4]),
      cos: angles(2, [2, 3, 2]),
      sin: angles(3, [2, 3, 2]),
    }),
  ];
  for (const test of tests) await t.step(test.name, () => checkGradients(test));
});
