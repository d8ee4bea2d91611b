import assert from "node:assert/strict";
import { DataType } from "../model/data_type.ts";
import { compare, makeModel, makeNode, normal, runModel, type Value } from "../_testing.ts";
import { differentiate } from "./differentiate.ts";
import type { Loss } from "./loss.ts";

const { FLOAT16, INT64 } = DataType;

/** Loss and gradient by "z" of a model that is the identity. */
async function lossOf(
  z: Value,
  labels: Value,
  loss: Loss,
  symbols?: readonly (number | string)[],
): Promise<{ loss: number; gradient: number[] }> {
  const model = makeModel({
    nodes: [makeNode("Identity", ["z"], ["y"])],
    inputs: { z },
    outputs: ["y"],
    ...(symbols === undefined ? {} : { symbols: { z: symbols } }),
  });
  const result = differentiate(model, { loss, trainable: ["z"] });
  const found = await runModel(result.model, { z, [loss.labels ?? "labels"]: labels });
  return { loss: found[result.loss]!.data[0]!, gradient: found["z_grad"]!.data };
}

const matrix = (rows: number[][]): Value => ({
  dims: [rows.length, rows[0]!.length],
  data: rows.flat(),
});
const classes = (...data: number[]): Value => ({ dims: [data.length], data, type: INT64 });

/** softmax of logits that are logarithms of integers is their share. */
const log = Math.log;
const LOGITS = matrix([[log(1), log(2), log(5)], [log(3), log(3), log(2)], [
  log(1),
  log(1),
  log(8),
]]);
const P = [[1 / 8, 2 / 8, 5 / 8], [3 / 8, 3 / 8, 2 / 8], [1 / 10, 1 / 10, 8 / 10]];

interface Expected {
  readonly name: string;
  readonly options: Partial<Extract<Loss, { type: "crossEntropy" }>>;
  readonly labels: readonly number[];
  /** Weight of each example in the loss. */
  readonly shares: readonly number[];
}

const cases: readonly Expected[] = [
  { name: "mean", options: {}, labels: [0, 2, 1], shares: [1 / 3, 1 / 3, 1 / 3] },
  { name: "sum", options: { reduction: "sum" }, labels: [0, 2, 1], shares: [1, 1, 1] },
  {
    name: "weighted mean: over the sum of the labels' weights",
    options: { weights: [1, 2, 5] },
    labels: [0, 2, 1],
    shares: [1 / 8, 5 / 8, 2 / 8],
  },
  {
    name: "weighted sum",
    options: { weights: [1, 2, 5], reduction: "sum" },
    labels: [0, 2, 1],
    shares: [1, 5, 2],
  },
  {
    name: "mean without what is ignored",
    options: { ignoreIndex: -1 },
    labels: [0, -1, 1],
    shares: [1 / 2, 0, 1 / 2],
  },
  {
    name: "weighted mean without a class that is ignored",
    options: { weights: [1, 2, 5], ignoreIndex: 2 },
    labels: [0, 2, 1],
    shares: [1 / 3, 0, 2 / 3],
  },
  {
    name: "along the last axis",
    options: { axis: -1 },
    labels: [0, 2, 1],
    shares: [1 / 3, 1 / 3, 1 / 3],
  },
];

Deno.test("crossEntropy is the weighted mean of −log p[label], its gradient p − onehot", async (t) => {
  for (const { name, options, labels, shares } of cases) {
    await t.step(name, async () => {
      const found = await lossOf(LOGITS, classes(...labels), { type: "crossEntropy", ...options });
      const loss = shares.reduce((a, c, i) => c === 0 ? a : a - c * log(P[i]![labels[i]!]!), 0);
      compare([found.loss], [loss], 1e-12, "loss");
      const gradient = P.flatMap((p, i) =>
        p.map((v, c) => shares[i]! * (v - (c === labels[i] ? 1 : 0)))
      );
      compare(found.gradient, gradient, 1e-12, "gradient");
    });
  }
});

Deno.test("crossEntropy reads classes along axis 1 of images and along the last of sequences", async () => {
  // The same three examples: [1, classes, examples] and [1, examples, classes].
  const byAxis1 = {
    dims: [1, 3, 3],
    data: [0, 1, 2].flatMap((c) => [0, 1, 2].map((i) => LOGITS.data[3 * i + c]!)),
  };
  const last = { dims: [1, 3, 3], data: LOGITS.data };
  const labels = { dims: [1, 3], data: [0, 2, 1], type: INT64 };
  const plain = await lossOf(LOGITS, classes(0, 2, 1), { type: "crossEntropy" });
  const first = await lossOf(byAxis1, labels, { type: "crossEntropy" });
  const token = { type: "crossEntropy", axis: -1, labels: "tokens" } as const;
  const second = await lossOf(last, labels, token, ["N", "T", 3]);
  const third = await lossOf(last, labels, token, ["N", "T", "C"]);
  compare([first.loss, second.loss, third.loss], Array(3).fill(plain.loss), 1e-12, "loss");
  compare(second.gradient, plain.gradient, 1e-12, "gradient");
  compare(third.gradient, plain.gradient, 1e-12, "gradient with unknown sizes");
  const one = await lossOf({ dims: [3], data: LOGITS.data.slice(0, 3) }, {
    dims: [],
    data: [0],
    type: INT64,
  }, { type: "crossEntropy", axis: 0 });
  compare([one.loss], [log(8)], 1e-12, "one example");
});

Deno.test("labelSmoothing takes the labels as (1 − ε) onehot + ε/classes", async (t) => {
  const e = 0.3;
  for (
    const [name, options, shares] of [
      ["mean", {}, [1 / 3, 1 / 3, 1 / 3]],
      ["sum", { reduction: "sum" }, [1, 1, 1]],
      ["mean with ignoreIndex", { ignoreIndex: 2 }, [1 / 2, 0, 1 / 2]],
      ["sum with ignoreIndex", { ignoreIndex: 2, reduction: "sum" }, [1, 0, 1]],
    ] as const
  ) {
    await t.step(name, async () => {
      const labels = [0, 2, 1];
      const found = await lossOf(LOGITS, classes(...labels), {
        type: "crossEntropy",
        labelSmoothing: e,
        ...options,
      });
      const target = labels.map((l) => [0, 1, 2].map((c) => (c === l ? 1 - e : 0) + e / 3));
      const loss = P.reduce(
        (a, p, i) => a - shares[i]! * p.reduce((s, v, c) => s + target[i]![c]! * log(v), 0),
        0,
      );
      compare([found.loss], [loss], 1e-7, "loss");
      const gradient = P.flatMap((p, i) => p.map((v, c) => shares[i]! * (v - target[i]![c]!)));
      compare(found.gradient, gradient, 1e-12, "gradient");
    });
  }
});

Deno.test("Elementwise losses have the values and gradients of their formulas", async (t) => {
  const z = matrix([[2, -1], [0.5, 3]]);
  const target = matrix([[1, 1], [0, 0]]);
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const residuals = [1, -2, 0.5, 3];
  const formulas: readonly [Loss, number[], number[]][] = [
    [{ type: "mse" }, [1, 4, 0.25, 9], [2, -4, 1, 6]],
    [{ type: "l1" }, [1, 2, 0.5, 3], [1, -1, 1, 1]],
    // r²/2 to δ = 1 (included), then |r| − ½
    [{ type: "huber" }, [0.5, 1.5, 0.125, 2.5], residuals.map((r) => Math.max(-1, Math.min(1, r)))],
    // δ = 2: 2 (|r| − 1)
    [{ type: "huber", delta: 2 }, [0.5, 2, 0.125, 4], [1, -2, 0.5, 2]],
    [
      { type: "binaryCrossEntropy" },
      [-log(sigmoid(2)), -log(sigmoid(-1)), -log(1 - sigmoid(0.5)), -log(1 - sigmoid(3))],
      [sigmoid(2) - 1, sigmoid(-1) - 1, sigmoid(0.5), sigmoid(3)],
    ],
  ];
  for (const [loss, values, slopes] of formulas) {
    for (const reduction of ["mean", "sum"] as const) {
      for (const symbols of [undefined, ["N", "C"]]) {
        await t.step(`${loss.type}, ${reduction}${symbols ? ", unknown sizes" : ""}`, async () => {
          const found = await lossOf(z, target, { ...loss, reduction }, symbols);
          const count = reduction === "mean" ? 4 : 1;
          compare([found.loss], [values.reduce((a, v) => a + v, 0) / count], 1e-12, "loss");
          compare(found.gradient, slopes.map((v) => v / count), 1e-12, "gradient");
        });
      }
    }
  }
});

Deno.test("binaryCrossEntropy stays finite at large logits", async () => {
  const found = await lossOf(matrix([[1000, -1000]]), matrix([[0, 1]]), {
    type: "binaryCrossEntropy",
    reduction: "sum",
  });
  // σ(30) = 1 − 9.4e-14 stands for 1.
  compare([found.loss], [2000], 1e-12, "loss");
  compare(found.gradient, [1, -1], 1e-12, "gradient");
});

Deno.test("Losses refuse what they cannot read", async (t) => {
  const z = normal(1, [2, 3, 4]);
  const refused: readonly [Loss, RegExp][] = [
    [
      { type: "mse", prediction: "none" },
      /Cannot append the loss to "none": the graph has no such value/,
    ],
    [
      { type: "crossentropy" } as unknown as Loss,
      /type must be "crossEntropy", .* or "triplet", current value is "crossentropy"; did you mean "crossEntropy"\?$/,
    ],
    [
      { type: "MSELoss" } as unknown as Loss,
      /current value is "MSELoss"; did you mean "mse"\?$/,
    ],
    [
      { type: "sparse_categorical_crossentropy" } as unknown as Loss,
      /did you mean "crossEntropy"\?$/,
    ],
    [{ type: "none" } as unknown as Loss, /triplet", current value is "none"$/],
    [{ type: "constructor" } as unknown as Loss, /triplet", current value is "constructor"$/],
    [
      { type: "mse", reduction: "l2" } as unknown as Loss,
      /reduction must be "mean" or "sum", current value is "l2"$/,
    ],
    [
      "mse" as unknown as Loss,
      /the loss: loss must be an object such as \{ type: "mse" \}, current value is "mse"$/,
    ],
    [7 as unknown as Loss, /such as \{ type: "crossEntropy" \}, current value is 7$/],
    [
      { type: "mse", reduction: "average" } as unknown as Loss,
      /reduction must be "mean" or "sum", current value is "average"/,
    ],
    [{ type: "mse", labels: "z" }, /Cannot append the loss: the graph already has a value "z"/],
    [{ type: "huber", delta: 0 }, /delta must be positive, current value is 0/],
    [{ type: "huber", delta: NaN }, /delta must be positive, current value is NaN/],
    [
      { type: "crossEntropy", axis: 3 },
      /Cannot append cross-entropy to "y": axis 3 of shape \[2,3,4\]/,
    ],
    [{ type: "crossEntropy", axis: 0 }, /must lie along axis 1 or the last, current axis is 0/],
    [{ type: "crossEntropy", weights: [1] }, /1 class weights for 3 classes/],
    [
      { type: "crossEntropy", labelSmoothing: 2 },
      /labelSmoothing must be in \[0, 1\], current value is 2/,
    ],
    [
      { type: "crossEntropy", labelSmoothing: 0.1, weights: [1, 1, 1] },
      /give either weights or labelSmoothing/,
    ],
  ];
  for (const [loss, message] of refused) {
    await t.step(String(message), async () => {
      await assert.rejects(() => lossOf(z, z, loss), message);
    });
  }
});

Deno.test("crossEntropy does not take the length of sequences for a number of classes", async () => {
  const z = { dims: [1, 2, 3], data: [0, 0, 0, 0, 0, 0] };
  const labels = { dims: [1, 2], data: [0, 2], type: INT64 };
  const shape = ["N", "T", 3];
  await assert.rejects(() => lossOf(z, labels, { type: "crossEntropy" }, shape), {
    name: "OnnxError",
    message: `Cannot append cross-entropy to "y" of shape [N,T,3]: classes lie along axis 1 by ` +
      `default, of unknown size here; give axis: -1 if the last 3 are the classes, else 1`,
  });
  const found = await lossOf(z, labels, { type: "crossEntropy", axis: -1 }, shape);
  compare([found.loss], [log(3)], 1e-12, "loss");
});

Deno.test("mse of float16 does not sum squares before dividing", () => {
  const model = makeModel({
    nodes: [makeNode("Identity", ["z"], ["y"])],
    inputs: { z: { dims: [2], data: [0, 0], type: FLOAT16 } },
    outputs: ["y"],
  });
  const { model: ours } = differentiate(model, { loss: { type: "mse" }, trainable: ["z"] });
  const operators = ours.graph!.node.map((n) => n.opType);
  assert.ok(operators.includes("ReduceMean") && !operators.includes("ReduceSumSquare"));
});
