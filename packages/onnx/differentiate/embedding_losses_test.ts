import assert from "node:assert/strict";
import { compare, makeModel, makeNode, normal, openModel, type Value } from "../_testing.ts";
import { differentiate } from "./differentiate.ts";
import { gaussNewtonSample } from "./curvature_sample.ts";
import type { Loss } from "./loss.ts";
import { perExampleSquares } from "./per_example_squares.ts";

type Inputs = Readonly<Record<string, Value>>;

function modelOf(z: Inputs, symbols?: Readonly<Record<string, readonly (number | string)[]>>) {
  return makeModel({
    nodes: Object.keys(z).map((name) => makeNode("Identity", [name], [`${name}_out`])),
    inputs: z,
    outputs: Object.keys(z).map((name) => `${name}_out`),
    ...(symbols === undefined ? {} : { symbols }),
  });
}

/**
 * The loss of models that are the identity, with the gradient by every input held to central differences
 * of fourth order.
 */
async function lossOf(
  z: Inputs,
  loss: Loss,
  labels?: Value,
  symbols?: Readonly<Record<string, readonly (number | string)[]>>,
): Promise<number> {
  const names = Object.keys(z);
  const result = differentiate(modelOf(z, symbols), { loss, trainable: names });
  const session = await openModel(result.model);
  const given = labels === undefined ? {} : { labels };
  const run = (feeds: Inputs) => session.run({ ...feeds, ...given });
  const found = await run(z);
  const h = 1e-3;
  for (const name of names) {
    const expected = [];
    for (let i = 0; i < z[name]!.data.length; i++) {
      const at = async (delta: number) => {
        const data = z[name]!.data.map((v, k) => k === i ? v + delta : v);
        return (await run({ ...z, [name]: { ...z[name]!, data } }))[result.loss]!.data[0]!;
      };
      const [near, far] = [await at(h) - await at(-h), await at(2 * h) - await at(-2 * h)];
      expected.push((8 * near - far) / (12 * h));
    }
    compare(found[`${name}_grad`]!.data, expected, 1e-6, `${loss.type}: gradient of "${name}"`);
  }
  await session.release();
  return found[result.loss]!.data[0]!;
}

const rows = (...list: number[][]): Value => ({
  dims: [list.length, list[0]!.length],
  data: list.flat(),
});

// cos((3, 4), (4, 3)) = 24/25, cos((1, 0), (−3, 4)) = −3/5, cos((0, 2), (5, 12)) = 12/13
const PAIRS = rows([3, 4], [4, 3], [1, 0], [-3, 4], [0, 2], [5, 12]);
const FIRST = rows([3, 4], [1, 0], [0, 2]), SECOND = rows([4, 3], [-3, 4], [5, 12]);

Deno.test("cosineEmbedding is 1 − cos of what is alike, else what cos is over the margin", async () => {
  const labels = { dims: [3], data: [1, 1, -1] };
  const expected = [1 / 25, 8 / 5, 12 / 13 - 0.5];
  const loss = { type: "cosineEmbedding", margin: 0.5 } as const;
  const sum = expected.reduce((a, b) => a + b);
  const found = [
    await lossOf({ z: PAIRS }, loss, labels),
    await lossOf({ z: PAIRS }, loss, labels, { z: ["N", 2] }),
    await lossOf({ z: PAIRS }, loss, labels, { z: ["N", "D"] }),
    await lossOf({ x: FIRST, y: SECOND }, { ...loss, second: "y" }, labels),
    await lossOf({ x: FIRST, y: SECOND }, { ...loss, second: "y" }, labels, {
      x: ["N", 2],
      y: ["N", 2],
    }),
    await lossOf({ x: FIRST, y: SECOND }, { ...loss, output: "y_out", second: "x" }, labels),
    await lossOf({ z: PAIRS }, { ...loss, reduction: "sum" }, labels) / 3,
  ];
  compare(found, found.map(() => sum / 3), 1e-9, "loss");
  // Unlike and within the margin: nothing.
  const apart = await lossOf({ z: rows([1, 0], [1, 3]) }, loss, { dims: [1], data: [-1] });
  assert.equal(apart, 0);
});

Deno.test("contrastive is the cross-entropy of cosines over τ, each pair being its class", async () => {
  const unit = ([x, y]: number[]) => [x! / Math.hypot(x!, y!), y! / Math.hypot(x!, y!)];
  const list = (v: Value) => [0, 1, 2].map((k) => unit(v.data.slice(2 * k, 2 * k + 2)));
  const [u, v] = [list(FIRST), list(SECOND)];
  const scores = u.map((a) => v.map((c) => (a[0]! * c[0]! + a[1]! * c[1]!) / 0.5));
  const logSum = (s: number[]) => Math.log(s.reduce((a, x) => a + Math.exp(x), 0));
  const forward = scores.map((s, k) => logSum(s) - s[k]!);
  const backward = scores.map((s, k) => logSum(scores.map((row) => row[k]!)) - s[k]!);
  const mean = (s: number[]) => s.reduce((a, b) => a + b) / 3;
  const loss = { type: "contrastive", temperature: 0.5 } as const;
  const found = [
    await lossOf({ z: PAIRS }, loss),
    await lossOf({ z: PAIRS }, loss, undefined, { z: ["N", 2] }),
    await lossOf({ x: FIRST, y: SECOND }, { ...loss, second: "y_out" }),
    await lossOf({ z: PAIRS }, { ...loss, reduction: "sum" }) / 3,
  ];
  compare(found, found.map(() => mean(forward)), 1e-9, "loss");
  const both = await lossOf({ z: PAIRS }, { ...loss, symmetric: true });
  compare([both], [(mean(forward) + mean(backward)) / 2], 1e-9, "both directions");
  // One pair has nothing to be told from; identical embeddings are told apart by chance.
  assert.ok(Math.abs(await lossOf({ z: rows([3, 4], [1, 2]) }, loss)) < 1e-12);
  const same = await lossOf({ z: rows([3, 4], [3, 4], [3, 4], [3, 4]) }, loss);
  compare([same], [Math.log(2)], 1e-9, "identical");
});

Deno.test("triplet is what the positive is farther than the negative, and the margin", async () => {
  // ‖a − p‖ = 5 and ‖a − n‖ = 13: 5 − 13 + 9 = 1; the second is −3 apart: max(0, 2 − 5 + 1) = 0
  const z = rows([1, 1], [4, 5], [6, 13], [0, 0], [0, 2], [3, 4]);
  const loss = { type: "triplet", margin: 9 } as const;
  // PyTorch's ε = 1e-6 moves distances by up to √2 ε.
  compare([await lossOf({ z: rows([1, 1], [4, 5], [6, 13]) }, loss)], [1], 3e-6, "one");
  compare([await lossOf({ z }, loss)], [(1 + 6) / 2], 3e-6, "mean");
  compare(
    [await lossOf({ z }, { ...loss, reduction: "sum" }, undefined, { z: ["N", 2] })],
    [7],
    3e-6,
    "",
  );
  compare([await lossOf({ z: rows([0, 0], [0, 2], [3, 4]) }, { type: "triplet" })], [0], 1e-12, "");
  const named = await lossOf(
    { a: rows([1, 1]), p: rows([4, 5]), n: rows([6, 13]) },
    { ...loss, positive: "p", negative: "n" },
  );
  compare([named], [1], 3e-6, "named");
  // The gradient of a distance of 0 is finite: held to the differences in lossOf() only where smooth.
  const { model, loss: name } = differentiate(modelOf({ z: rows([1, 1], [1, 1], [1, 1]) }), {
    loss,
    trainable: ["z"],
  });
  const session = await openModel(model);
  const found = await session.run({ z: rows([1, 1], [1, 1], [1, 1]) });
  assert.ok(found["z_grad"]!.data.every(Number.isFinite));
  compare(found[name]!.data, [9], 1e-9, "all the same");
  await session.release();
});

Deno.test("distillation is T² KL(teacher ‖ student) of softmax at temperature T", async () => {
  const { log } = Math;
  // At T = 2 logits 2 log w are probabilities in proportion to w.
  const logits = (...list: number[][]) => rows(...list.map((w) => w.map((v) => 2 * log(v))));
  const [z, t] = [logits([1, 2, 5], [3, 3, 2]), logits([2, 2, 4], [1, 6, 1])];
  const kl = (p: number[], q: number[]) => p.reduce((a, v, c) => a + v * log(v / q[c]!), 0);
  const [first, second] = [
    kl([1 / 4, 1 / 4, 1 / 2], [1 / 8, 2 / 8, 5 / 8]),
    kl([1 / 8, 6 / 8, 1 / 8], [3 / 8, 3 / 8, 2 / 8]),
  ];
  const loss = { type: "distillation", temperature: 2 } as const;
  compare([await lossOf({ z }, loss, t)], [2 * (first + second)], 1e-9, "mean");
  compare(
    [await lossOf({ z }, { ...loss, reduction: "sum" }, t)],
    [4 * (first + second)],
    1e-9,
    "sum",
  );
  // Sequences: classes last, the mean over all tokens.
  const sequence = (v: Value): Value => ({ dims: [1, 2, 3], data: v.data });
  const found = await lossOf({ z: sequence(z) }, { ...loss, axis: -1 }, sequence(t), {
    z: ["N", "T", 3],
  });
  compare([found], [2 * (first + second)], 1e-9, "sequence");
  assert.ok(Math.abs(await lossOf({ z }, loss, z)) < 1e-12);
});

Deno.test("Losses of embeddings and of teachers refuse what they cannot be", () => {
  const refuse = (loss: unknown, error: RegExp, z: Inputs = { z: PAIRS }) =>
    assert.throws(() => differentiate(modelOf(z), { loss: loss as Loss, trainable: ["z"] }), error);
  refuse(
    { type: "contrastive", temperature: 0 },
    /temperature must be positive, current value is 0/,
  );
  refuse(
    { type: "contrastive", labels: "t" },
    /append the loss contrastive: "labels" is no option; options are type, output/,
  );
  refuse({ type: "triplet", positive: "z" }, /give both positive and negative/);
  refuse({ type: "triplet", margin: -1 }, /margin must be positive, current value is -1/);
  refuse({ type: "cosineEmbedding", margin: 2 }, /margin must be in \[−1, 1\], current value is 2/);
  refuse({ type: "contrastive", second: "w" }, /the graph has no value "w"/);
  refuse({ type: "distillation", temperature: -1 }, /temperature must be positive/);
  refuse({ type: "distillation", axis: 3 }, /axis 3 of shape \[6,2\]/);
  const five = { z: normal(1, [5, 2]) };
  refuse({ type: "contrastive" }, /belong together by twos, of which 5 are no multiple/, five);
  refuse({ type: "triplet" }, /belong together by threes, of which 5 are no multiple/, five);
  refuse({ type: "contrastive" }, /expected is one embedding a row/, { z: normal(1, [2, 3, 4]) });
  const other = { z: normal(1, [4, 2]), w: normal(1, [4, 3]) };
  refuse(
    { type: "contrastive", second: "w" },
    /\[4,2\] and "w" of \[4,3\] are of different widths/,
    other,
  );
  for (const type of ["contrastive", "triplet", "cosineEmbedding"] as const) {
    const options = { loss: { type }, trainable: ["z"] };
    assert.throws(
      () => perExampleSquares(modelOf({ z: PAIRS }), options),
      /compares examples with/,
    );
    assert.throws(
      () => gaussNewtonSample(modelOf({ z: PAIRS }), options),
      /use Hutchinson's samples/,
    );
  }
});
