import assert from "node:assert/strict";
import { compare, makeModel, makeNode, openModel, runModel } from "../_testing.ts";
import { exportInferenceModel } from "../artifacts/export_inference_model.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { DataType } from "../model/data_type.ts";
import { readModel, writeModel } from "../model/read_model.ts";
import { tensorData, tensorDims } from "../model/tensor.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";
import { loraAdapters } from "./adapters.ts";
import { addLora, loraLayers } from "./add_lora.ts";
import { floats, layerCases, modelOf, trained } from "./_testing.ts";
import { mergeLora } from "./merge_lora.ts";

const tensorOf = (model: ModelProto, name: string) =>
  model.graph!.initializer.find((t) => t.name === name)!;

for (const test of layerCases) {
  Deno.test(`addLora() leaves what ${test.name} computes as it was, mergeLora() what is learnt`, async () => {
    const model = modelOf(test);
    const adapted = addLora(model, { targets: () => true, rank: 2, alpha: 3 });
    const { x } = test;
    const before = await runModel(model, { x });
    const { y } = await runModel(writeModel(adapted), { x });
    // ONNX Runtime leaves roundings to float16 out where it can, which the sum prevents.
    const bits = test.name === "MatMul of float16" ? test.tolerance! : 0;
    compare(y!.data, before.y!.data, bits, test.name);
    assert.deepEqual([...y!.dims], [...before.y!.dims]);

    const learnt = trained(readModel(writeModel(adapted)), 5);
    const expected = await runModel(learnt, { x });
    assert.ok(expected.y!.data.some((v, i) => Math.abs(v - y!.data[i]!) > 0.01));
    const merged = mergeLora(learnt);
    const found = await runModel(merged, { x });
    compare(found.y!.data, expected.y!.data, test.tolerance ?? 2e-6, test.name);
    // Nothing of the adapters is left.
    const names = (m: ModelProto) => m.graph!.initializer.map(({ name }) => name);
    assert.deepEqual(names(merged), names(model));
    assert.deepEqual(
      merged.graph!.node.map(({ opType }) => opType),
      model.graph!.node.map(({ opType }) => opType),
    );
    assert.deepEqual(loraAdapters(merged), []);
  });
}

Deno.test("A begins uniform in ±1/√in, B zero; of an embedding A zero and B normal", () => {
  const sizes = { linear: [400, 30], conv: [20, 10, 5, 8], embedding: [50, 300] };
  const model = makeModel({
    nodes: [
      makeNode("Gather", ["e.weight", "ids"], ["h"]),
      makeNode("MatMul", ["x", "fc.weight"], ["y"]),
      makeNode("Conv", ["image", "c.weight"], ["z"]),
    ],
    inputs: {
      ids: { dims: [2], data: [0, 1], type: 7 },
      x: floats(1, [1, 400]),
      image: floats(2, [1, 10, 9, 9]),
    },
    initializers: {
      "e.weight": floats(3, sizes.embedding),
      "fc.weight": floats(4, sizes.linear),
      "c.weight": floats(5, sizes.conv),
    },
    outputs: ["h", "y", "z"],
  });
  const adapted = addLora(model, { targets: [/./], rank: 6 });
  const values = (name: string) => [...tensorData(tensorOf(adapted, name)) as Float32Array];
  const shape = (name: string) => tensorDims(tensorOf(adapted, name));
  const moments = (name: string) => {
    const list = values(name);
    const mean = list.reduce((a, b) => a + b, 0) / list.length;
    const square = list.reduce((a, b) => a + b * b, 0) / list.length;
    return { mean, square, most: Math.max(...list.map(Math.abs)), count: list.length };
  };
  const [fc, c] = [moments("fc.lora_A.weight"), moments("c.lora_A.weight")];
  for (const [{ mean, square, most, count }, bound] of [[fc, 1 / 20], [c, 1 / 20]] as const) {
    assert.ok(most <= bound && most > 0.99 * bound);
    // The variance of a uniform number is b²/3; four standard errors.
    assert.ok(Math.abs(mean) < 4 * bound / Math.sqrt(3 * count));
    assert.ok(Math.abs(square / (bound * bound / 3) - 1) < 4 * Math.sqrt(0.8 / count));
  }
  const e = moments("e.lora_embedding_B");
  assert.ok(Math.abs(e.mean) < 4 / Math.sqrt(e.count));
  assert.ok(Math.abs(e.square - 1) < 4 * Math.sqrt(2 / e.count));
  for (const zero of ["fc.lora_B.weight", "c.lora_B.weight", "e.lora_embedding_A"]) {
    assert.ok(values(zero).every((v) => v === 0), zero);
  }
  assert.deepEqual([shape("fc.lora_A.weight"), shape("fc.lora_B.weight")], [[400, 6], [6, 30]]);
  assert.deepEqual([shape("c.lora_A.weight"), shape("c.lora_B.weight")], [
    [6, 10, 5, 8],
    [20, 6, 1, 1],
  ]);
  assert.deepEqual([shape("e.lora_embedding_A"), shape("e.lora_embedding_B")], [
    [50, 6],
    [6, 300],
  ]);
  // Another seed is another adapter; the same one the same, whatever the other layers are.
  const alone = (seed: number) => {
    const one = addLora(model, { targets: "fc", rank: 6, seed });
    return [...tensorData(tensorOf(one, "fc.lora_A.weight")) as Float32Array];
  };
  assert.deepEqual(alone(1), values("fc.lora_A.weight"));
  assert.notDeepEqual(alone(2), values("fc.lora_A.weight"));
});

// y = x W + s x A B with s = alpha/rank: for the sum of (y − t)², with G = 2 (y − t),
// ∂A = s xᵀ G Bᵀ and ∂B = s (x A)ᵀ G.
Deno.test("The gradients of a linear adapter are those of the formula, and the only ones", async () => {
  const test = layerCases[0]!;
  const [N, I, O, r, s] = [6, 6, 5, 2, 1.5];
  const adapted = trained(addLora(modelOf(test), { targets: "fc", rank: r, alpha: 3 }), 7);
  const { model, parameters, gradients } = differentiate(adapted, {
    loss: { type: "mse", reduction: "sum" },
  });
  assert.deepEqual(parameters, ["fc.lora_A.weight", "fc.lora_B.weight"]);
  assert.deepEqual(model.graph!.output.map(({ name }) => name).slice(2), [...gradients.values()]);
  assert.ok(model.graph!.initializer.some(({ name }) => name === "fc.weight"));
  const [x, W] = [test.x.data, test.initializers["fc.weight"]!.data];
  const [A, B] = parameters.map((name) => [...tensorData(tensorOf(adapted, name)) as Float32Array]);
  const labels = floats(9, [2, 3, O]);
  const feeds = Object.fromEntries(parameters.map((name) => {
    const tensor = tensorOf(adapted, name);
    return [name, {
      dims: tensorDims(tensor),
      data: [...tensorData(tensor) as Float32Array],
      type: 1,
    }];
  }));
  const found = await runModel(model, { x: test.x, labels, ...feeds });
  const times = (a: number[], b: number[], n: number, k: number, m: number) =>
    Array.from({ length: n * m }, (_, at) => {
      const [i, j] = [Math.floor(at / m), at % m];
      return Array.from({ length: k }, (_, l) => a[i * k + l]! * b[l * m + j]!)
        .reduce((p, q) => p + q, 0);
    });
  const turned = (a: number[], n: number, m: number) =>
    Array.from({ length: n * m }, (_, at) => a[(at % n) * m + Math.floor(at / n)]!);
  const xA = times([...x], A!, N, I, r);
  const xAB = times(xA, B!, N, r, O);
  const y = times([...x], [...W], N, I, O).map((v, i) => v + s * xAB[i]!);
  const G = y.map((v, i) => 2 * (v - labels.data[i]!));
  const dA = times(turned([...x], N, I), times(G, turned(B!, r, O), N, O, r), I, N, r)
    .map((v) => s * v);
  const dB = times(turned(xA, N, r), G, r, N, O).map((v) => s * v);
  compare(found["fc.lora_A.weight_grad"]!.data, dA, 1e-5, "∂A");
  compare(found["fc.lora_B.weight_grad"]!.data, dB, 1e-5, "∂B");
});

/** Four layers of width 4 and a head. */
function deep(): ModelProto {
  const names = ["a", "b", "c", "d"];
  return makeModel({
    nodes: [
      ...names.flatMap((name, k) => [
        makeNode("MatMul", [k === 0 ? "x" : `h${k}`, `${name}.fc.weight`], [`m${k}`]),
        makeNode("Tanh", [`m${k}`], [`h${k + 1}`]),
      ]),
      makeNode("Gemm", ["h4", "head.weight", "head.bias"], ["y"], { transB: 1 }),
    ],
    inputs: { x: floats(1, [2, 4]) },
    initializers: {
      ...Object.fromEntries(names.map((name, k) => [`${name}.fc.weight`, floats(k + 2, [4, 4])])),
      "head.weight": floats(8, [3, 4]),
      "head.bias": floats(9, [3]),
    },
    outputs: ["y"],
  });
}

Deno.test("Without targets, every linear layer but the head is adapted", () => {
  const names = (targets?: Parameters<typeof addLora>[1]) =>
    loraAdapters(addLora(deep(), targets)).map(({ name }) => name);
  assert.deepEqual(names(), ["a.fc", "b.fc", "c.fc", "d.fc"]);
  assert.deepEqual(names({ targets: "fc" }), names());
  assert.deepEqual(names({ targets: ["head", "b.fc"] }), ["b.fc", "head"]);
  assert.deepEqual(names({ targets: /^[cd]\./g }), ["c.fc", "d.fc"]);
  assert.deepEqual(names({ targets: ({ op, shape }) => op === "Gemm" && shape[0] === 3 }), [
    "head",
  ]);
  assert.deepEqual(loraLayers(deep())[4], {
    name: "head",
    op: "Gemm",
    shape: [3, 4],
    weight: "head.weight",
    kind: "linear",
  });
});

Deno.test("A head is found through a tail of any length, and no tail is followed twice", () => {
  const length = 20_000;
  const tail = Array.from(
    { length },
    (_, k) => makeNode("Add", [k === 0 ? "m" : `a${k}`, "one"], [`a${k + 1}`]),
  );
  // Each square has two ways to the next.
  const squares = Array.from(
    { length: 60 },
    (_, k) => makeNode("Mul", [`s${k}`, `s${k}`], [`s${k + 1}`]),
  );
  const model = makeModel({
    nodes: [
      makeNode("MatMul", ["x", "up.weight"], ["s0"]),
      ...squares,
      makeNode("Tanh", ["s60"], ["h"]),
      makeNode("MatMul", ["h", "head.weight"], ["m"]),
      ...tail,
    ],
    inputs: { x: floats(1, [2, 4]) },
    initializers: {
      "up.weight": floats(2, [4, 4]),
      "head.weight": floats(3, [4, 4]),
      one: floats(4, [4]),
    },
    outputs: [`a${length}`],
  });
  assert.deepEqual(loraAdapters(addLora(model)).map(({ name }) => name), ["up"]);
});

Deno.test("The backward pass ends at the first adapter", async () => {
  const loss = { type: "mse" } as const;
  const backward = (targets: string[]) => {
    const model = addLora(deep(), { targets });
    const before = model.graph!.node.length;
    const grown = differentiate(model, { loss });
    // tanh's derivative reads what tanh made: which activations are kept.
    const kept = grown.model.graph!.node.slice(before).flatMap(({ input }) => input)
      .filter((name) => /^h\d$/.test(name));
    return { nodes: grown.model.graph!.node.length - before, kept: [...new Set(kept)].sort() };
  };
  const [last, all] = [backward(["d.fc"]), backward(["a.fc", "b.fc", "c.fc", "d.fc"])];
  assert.deepEqual(last.kept, ["h3", "h4"]);
  assert.deepEqual(all.kept, ["h1", "h2", "h3", "h4"]);
  assert.ok(3 * last.nodes < all.nodes, `${last.nodes} of ${all.nodes}`);
  // And is the same gradient as in the whole.
  const gradientOf = async (targets: string[]) => {
    const { model, values } = differentiate(addLora(deep(), { targets }), { loss });
    const session = await openModel(model);
    const feeds = [...values].map(([name, t]) =>
      [name, { dims: tensorDims(t), data: [...tensorData(t) as Float32Array], type: 1 }] as const
    );
    const found = await session.run({
      x: floats(1, [2, 4]),
      labels: floats(11, [2, 3]),
      ...Object.fromEntries(feeds),
    });
    await session.release();
    return found;
  };
  const alone = await gradientOf(["d.fc"]);
  assert.ok(alone["d.fc.lora_B.weight_grad"]!.data.some((v) => v !== 0));
  assert.ok(alone["d.fc.lora_A.weight_grad"]!.data.every((v) => v === 0)); // B = 0
  assert.equal(alone["a.fc.lora_B.weight_grad"], undefined);
});

Deno.test("Layers are called what PyTorch calls them, as far as the file tells", () => {
  const model = makeModel({
    nodes: [
      { ...makeNode("MatMul", ["x", "onnx::MatMul_12"], ["h"]), name: "/enc/layer.0/query/MatMul" },
      makeNode("MatMul", ["h", "model.layers.0.q_proj.MatMul.weight"], ["k"]),
      makeNode("MatMul", ["k", "W"], ["m0"]),
      { ...makeNode("MatMul", ["m0", "val_49_q"], ["m1"]), name: "/enc/enc.0/MatMul" },
      makeNode("Add", ["enc.0.bias", "m1"], ["m"]),
      makeNode("Gather", ["emb.weight", "ids"], ["e"]),
      makeNode("Transpose", ["emb.weight"], ["turned"]),
      { ...makeNode("MatMul", ["m", "turned"], ["y"]), name: "/lm_head/MatMul" },
    ],
    inputs: { x: floats(1, [2, 4]), ids: { dims: [2], data: [0, 1], type: 7 } },
    initializers: {
      "onnx::MatMul_12": floats(2, [4, 4]),
      "model.layers.0.q_proj.MatMul.weight": floats(3, [4, 4]),
      W: floats(4, [4, 4]),
      val_49_q: floats(6, [4, 4]),
      "enc.0.bias": floats(7, [4]),
      "emb.weight": floats(5, [6, 4]),
    },
    outputs: ["e", "y"],
  });
  assert.deepEqual(loraLayers(model).map(({ name }) => name), [
    "enc.layer.0.query",
    "model.layers.0.q_proj",
    "W",
    "enc.0",
    "emb",
    "lm_head",
  ]);
});

Deno.test("A weight that something else uses keeps its values for that when it is merged", async () => {
  const model = makeModel({
    nodes: [
      makeNode("Gather", ["emb.weight", "ids"], ["e"]),
      makeNode("Transpose", ["emb.weight"], ["turned"]),
      { ...makeNode("MatMul", ["e", "turned"], ["y"]), name: "/lm_head/MatMul" },
    ],
    inputs: { ids: { dims: [2], data: [0, 4], type: 7 } },
    initializers: { "emb.weight": floats(5, [6, 4]) },
    outputs: ["e", "y"],
  });
  const ids = { dims: [2], data: [0, 4], type: 7 };
  const plain = await runModel(model, { ids });
  for (const targets of ["lm_head", "emb", /./] as const) {
    const learnt = trained(addLora(model, { targets, rank: 2 }), 3);
    const expected = await runModel(learnt, { ids });
    const found = await runModel(mergeLora(learnt), { ids });
    for (const name of ["e", "y"]) {
      compare(found[name]!.data, expected[name]!.data, 2e-6, `${targets}: ${name}`);
    }
    if (targets === "lm_head") assert.deepEqual(found.e!.data, plain.e!.data);
  }
});

Deno.test("addLora() refuses what it cannot do, with what there is", () => {
  const model = deep();
  const refuse = (options: unknown, error: RegExp, of = model) =>
    assert.throws(() => addLora(of, options as Parameters<typeof addLora>[1]), error);
  refuse(
    { targets: "query" },
    /the target "query" matches no layer, of: "a\.fc" \(MatMul \[4,4\]\)/,
  );
  refuse({ targets: ["fc", /attn/] }, /the target \/attn\/ matches no layer/);
  refuse({ targets: [] }, /targets is an empty list/);
  refuse({ targets: [3] }, /TypeError|given is number/);
  refuse({ rank: 0 }, /RangeError|rank must be a positive integer, current value is 0/);
  refuse({ dropout: 1 }, /dropout must be in \[0, 1\), current value is 1/);
  refuse({ alpha: "8" }, /alpha must be positive, current value is "8"/);
  refuse({ r: 8 }, /"r" is no option; options are targets, rank/);
  refuse({}, /has some; merge them with mergeLora\(\)/, addLora(model));
  refuse(
    { dropout: 0.1 },
    /with dropout: operator set 11 is older than 12/,
    makeModel({
      nodes: [makeNode("MatMul", ["x", "w"], ["h"]), makeNode("Relu", ["h"], ["y"])],
      inputs: { x: floats(1, [1, 2]) },
      initializers: { w: floats(2, [2, 2]) },
      outputs: ["y"],
      opset: 11,
    }),
  );
  const grouped = makeModel({
    nodes: [makeNode("Conv", ["x", "dw.weight"], ["y"], { group: 4 })],
    inputs: { x: floats(1, [1, 4, 3, 3]) },
    initializers: { "dw.weight": floats(2, [4, 1, 3, 3]) },
    outputs: ["y"],
  });
  refuse({ targets: "dw" }, /Conv "dw": it has 4 groups.*shape\[1\] !== 1/, grouped);
  refuse({}, /no linear layer besides those that make its outputs/, grouped);
  assert.deepEqual(loraLayers(grouped), []);
});

Deno.test("A part of a model has the adapters of its own layers", () => {
  const model = makeModel({
    nodes: [
      makeNode("MatMul", ["x", "a.weight"], ["h"]),
      makeNode("MatMul", ["h", "b.weight"], ["y"]),
    ],
    inputs: { x: floats(1, [2, 4]) },
    initializers: { "a.weight": floats(2, [4, 4]), "b.weight": floats(3, [4, 4]) },
    outputs: ["h", "y"],
  });
  const part = exportInferenceModel(addLora(model, { targets: /./ }), [], { outputs: ["h"] });
  assert.deepEqual(loraAdapters(part).map(({ name }) => name), ["a"]);
  assert.deepEqual(mergeLora(part).graph!.initializer.map(({ name }) => name), ["a.weight"]);
});

Deno.test("mergeLora() refuses a graph that lost its adapters' values or sums", () => {
  const adapted = addLora(deep(), { targets: "b.fc" });
  const without = {
    ...adapted,
    graph: {
      ...adapted.graph!,
      initializer: adapted.graph!.initializer.filter(({ name }) => !name.includes("lora_B")),
    },
  };
  assert.throws(
    () => mergeLora(without),
    /the values of "b\.fc\.lora_B\.weight" are not in the model/,
  );
  const { base } = loraAdapters(adapted)[0]!.sites[0]!;
  const rewritten = {
    ...adapted,
    graph: {
      ...adapted.graph!,
      node: adapted.graph!.node.map((n) => n.output[0] === base ? { ...n, output: ["other"] } : n),
    },
  };
  assert.throws(() => mergeLora(rewritten), /no linear layer that makes "m1_base"/);
  assert.equal(mergeLora(deep()).graph!.node.length, deep().graph!.node.length);
});

/** A scale by columns, and a zero point, as an operator and as exporters without it write them out. */
const quantizations: Readonly<Record<string, readonly NodeProto[]>> = {
  DequantizeLinear: [makeNode("DequantizeLinear", ["q.weight", "scale"], ["w"], { axis: 1 })],
  "Cast and Mul": [
    makeNode("Cast", ["q.weight"], ["q"], { to: DataType.FLOAT }),
    makeNode("Mul", ["q", "scale"], ["w"]),
  ],
  "Cast, Sub and Mul": [
    makeNode("Cast", ["q.weight"], ["q"], { to: DataType.FLOAT }),
    makeNode("Sub", ["q", "zero"], ["q0"]),
    makeNode("Mul", ["scale", "q0"], ["w"]),
  ],
};
for (
  const [name, nodes] of Object.entries(quantizations)
) {
  Deno.test(`Beside a weight quantized by ${name} the adapter is float, is trained, and is not merged`, async () => {
    const model = makeModel({
      nodes: [
        ...nodes,
        makeNode("MatMul", ["x", "w"], ["h"]),
        makeNode("MatMul", ["h", "p.weight"], ["y"]),
      ],
      inputs: { x: floats(1, [2, 3]) },
      initializers: {
        "q.weight": { dims: [3, 4], data: [1, -2, 3, 4, -5, 6, 7, 8, 9, 10, 11, -12], type: 3 },
        scale: { ...floats(3, [4]), data: [0.5, 0.25, 0.125, 1] },
        zero: { ...floats(3, [1]), data: [2] },
        "p.weight": floats(4, [4, 4]),
      },
      outputs: ["y"],
    });
    const x = floats(1, [2, 3]);
    const learnt = trained(addLora(model, { targets: /./, rank: 2 }), 4);
    assert.throws(
      () => mergeLora(learnt),
      /"q": its weight "q\.weight" is quantized or cast.*"keep"/,
    );
    const kept = mergeLora(learnt, { quantized: "keep" });
    assert.deepEqual(loraAdapters(kept).map(({ name }) => name), ["q"]);
    const expected = await runModel(learnt, { x });
    compare((await runModel(kept, { x })).y!.data, expected.y!.data, 2e-6, "kept");
    const { model: gradient, parameters } = differentiate(kept, {
      loss: { type: "mse" },
      parameters: "constants",
    });
    assert.deepEqual(parameters, ["q.lora_A.weight", "q.lora_B.weight"]);
    const found = await runModel(gradient, { x, labels: floats(5, [2, 4]) });
    assert.ok(parameters.every((name) => found[`${name}_grad`]!.data.some((g) => g !== 0)));
  });
}

Deno.test("A product of stored integers with what is no scale of theirs is no layer's weight", () => {
  const model = makeModel({
    nodes: [
      makeNode("Cast", ["q.weight"], ["q"], { to: DataType.FLOAT }),
      makeNode("Mul", ["q", "gate"], ["w"]),
      makeNode("MatMul", ["x", "w"], ["h"]),
      makeNode("Mul", ["q", "wide"], ["v"]), // one row becomes three
      makeNode("MatMul", ["x", "v"], ["y"]),
    ],
    inputs: { x: floats(1, [2, 3]), gate: floats(2, [1]) },
    initializers: {
      "q.weight": { dims: [1, 4], data: [1, -2, 3, 4], type: DataType.INT8 },
      wide: floats(3, [3, 1]),
    },
    outputs: ["h", "y"],
  });
  assert.deepEqual(loraLayers(model), []);
});
