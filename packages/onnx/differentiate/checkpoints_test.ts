import { digitsCnn, transformer } from "@precond/testing";
import assert from "node:assert/strict";
import { close, runOnCpu } from "../legalize/_testing.ts";
import { legalize } from "../legalize/legalize.ts";
import { compare, makeModel, makeNode, normal, runModel } from "../_testing.ts";
import { buildModel } from "../model/build_model.ts";
import { DataType } from "../model/data_type.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import type { Recompute } from "./checkpoints.ts";
import { differentiate } from "./differentiate.ts";
import { trainingGraph } from "./training_graph.ts";

const layers = 4;
const blocks = () => {
  const m = buildModel();
  transformer(m, { layers, width: 8, heads: 2, length: 6 });
  return m.build();
};
const loss = { type: "mse" } as const;

/** Outputs of the residual additions that end a block: what the next block's normalization reads. */
const ends = (model: ModelProto) => {
  const adds = model.graph!.node.filter((n) => n.opType === "LayerNormalization");
  return adds.map((n) => n.input[0]!).filter((_, k) => k % 2 === 0 && k > 0);
};

/** Values of the forward pass that the backward pass reads, but for inputs. */
function keptBy(model: ModelProto): string[] {
  const { node, input } = legalize(model, "cpu").model.graph!;
  const given = new Set(input.map((i) => i.name));
  const at = node.findIndex(({ opType }) => opType === "ReduceSumSquare");
  const made = new Set(node.slice(0, at).flatMap((n) => n.output));
  const read = new Set(node.slice(at + 1).flatMap((n) => n.input));
  return [...made].filter((name) => read.has(name) && !given.has(name));
}

const feedsOf = (model: ModelProto, values: ReturnType<typeof differentiate>["values"]) =>
  Object.fromEntries(model.graph!.input.map(({ name }) => {
    const tensor = values.get(name);
    if (tensor === undefined) return [name, { ...normal(1, [2, 6, 8]), type: DataType.FLOAT }];
    const dims = tensor.dims.map(Number);
    return [name, { ...normal(name.length, dims, (v) => v / 3), type: DataType.FLOAT }];
  }));

async function sameGradients(recompute: Recompute) {
  const model = blocks();
  const [plain, again] = [false as const, recompute].map((recompute) =>
    differentiate(model, { loss, recompute })
  );
  const feeds = feedsOf(plain!.model, plain!.values);
  const expected = await runOnCpu(plain!.model, feeds);
  for (const sizes of [{}, { N: 2 }]) {
    const legal = legalize(again!.model, "cpu", { sizes }).model;
    close(await runOnCpu(legal, feeds), expected, 1e-5, JSON.stringify(recompute));
  }
  return { model: again!.model, plain: plain!.model };
}

Deno.test("Between values that are kept by name all is computed again", async () => {
  const keep = ends(blocks());
  assert.equal(keep.length, layers);
  const { model, plain } = await sameGradients({ keep });
  const kept = keptBy(model);
  for (const name of keep.slice(0, -1)) assert.ok(kept.includes(name), name);
  // The end of each block, and what stands between the last and the loss.
  assert.ok(kept.length <= layers + 4, kept.join(" "));
  assert.ok(keptBy(plain).length > 10 * layers);
});

Deno.test("A limit in bytes is kept to by computing again as little as needed", async () => {
  const counts: number[] = [];
  for (const kib of [1000, 20, 9]) {
    const { model } = await sameGradients({ bytes: kib * 1024, sizes: { N: 2 } });
    counts.push(keptBy(model).length);
  }
  const [all, some, few] = counts as [number, number, number];
  assert.ok(all > some && some > few, `${counts}`);
});

Deno.test("A convolutional network computes the same from checkpoints", async () => {
  const m = buildModel();
  digitsCnn(m);
  const model = m.build();
  const given = { loss: { type: "crossEntropy" } } as const;
  const plain = differentiate(model, { ...given, recompute: false });
  const sizes = { N: 2 };
  const again = differentiate(model, { ...given, recompute: { bytes: 100e3, sizes } });
  assert.ok(again.model.graph!.node.length > plain.model.graph!.node.length);
  const feeds = Object.fromEntries(plain.model.graph!.input.map(({ name }, k) => {
    const dims = plain.values.get(name)?.dims.map(Number) ?? [2, 1, 28, 28];
    return [name, { ...normal(k, dims, (v) => v / 3), type: DataType.FLOAT }];
  }));
  feeds["labels"] = { dims: [2], data: [3, 7], type: DataType.INT64 } as never;
  const legal = legalize(again.model, "cpu", { sizes }).model;
  close(await runOnCpu(legal, feeds), await runOnCpu(plain.model, feeds), 1e-5, "CNN");
});

Deno.test("Squares, curvature samples and checkpoints go together", async () => {
  const model = blocks();
  const options = { loss, squares: true, curvature: "hutchinson" } as const;
  const plain = trainingGraph(model, { ...options, recompute: false });
  const again = trainingGraph(model, { ...options, recompute: { keep: ends(model) } });
  const feeds = feedsOf(plain.model, plain.values);
  for (const [name, vector] of plain.vectors!) {
    feeds[vector] = {
      ...normal(7, plain.values.get(name)!.dims.map(Number)),
      type: DataType.FLOAT,
    };
  }
  close(await runOnCpu(again.model, feeds), await runOnCpu(plain.model, feeds), 1e-4, "all");
});

Deno.test("Random masks are not drawn again", async () => {
  const nodes = [
    makeNode("Tanh", ["x"], ["a"]),
    makeNode("RandomUniform", [], ["mask"], { shape: [5] }),
    makeNode("Mul", ["a", "mask"], ["m"]),
    makeNode("Tanh", ["m"], ["n"]),
    makeNode("Tanh", ["n"], ["y"]),
    makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 }),
  ];
  const x = { ...normal(1, [5]), type: DataType.FLOAT };
  const model = makeModel({ nodes, inputs: { x }, outputs: ["loss", "mask"] });
  const { model: gradient } = differentiate(model, {
    output: "loss",
    trainable: ["x"],
    recompute: { keep: ["n"] },
  });
  const { x_grad, mask } = await runModel(gradient, { x });
  const expected = x.data.map((v, k) => {
    const u = mask!.data[k]!;
    const [a, n] = [Math.tanh(v), Math.tanh(Math.tanh(v) * u)];
    const y = Math.tanh(n);
    return (1 - y * y) * (1 - n * n) * u * (1 - a * a);
  });
  compare(x_grad!.data, expected, 1e-5, "x");
});

Deno.test("What cannot be computed again is refused by name", () => {
  const model = blocks();
  const attempt = (recompute: unknown) => () =>
    differentiate(model, { loss, recompute: recompute as Recompute });
  assert.throws(attempt({ keep: ["nothing"] }), /Cannot keep "nothing".*no value between/);
  assert.throws(
    attempt({ bytes: 1e6 }),
    /Cannot tell how many bytes ".*" takes: give a number for N/,
  );
  assert.throws(
    attempt({ bytes: 10, sizes: { N: 2 } }),
    /Cannot keep to 10 bytes .* least .* is \d+/,
  );
  for (const wrong of [true, {}, { keep: "y" }, { bytes: -1 }, { bytes: 1, keep: [] }, 5, null]) {
    assert.throws(attempt(wrong), /recompute must be false, \{ keep/);
  }
});
