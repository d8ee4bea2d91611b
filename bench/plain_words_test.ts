import assert from "node:assert/strict";
import { measuredRow, sensitivityRow } from "./_testing.ts";
import { plainWords } from "./plain_words.ts";
import { allProblems } from "./problems/mod.ts";
import type { Row } from "./rows.ts";

const problems = allProblems(false);
const seeds = (problem: string, method: string, values: Partial<Row>[]) =>
  values.map((more, i) => measuredRow({ problem, method, seed: i + 1, ...more }));
const examples = (problem: string, method: string, needed: (number | null)[]) =>
  seeds(problem, method, needed.map((examplesToTarget) => ({ examplesToTarget })));

const rows = [
  // Half of Adam's on all three seeds; twice of it; from 4/5 to 5/4.
  ...examples("mlp", "adam", [400, 500, 600]),
  ...examples("mlp", "combined", [200, 250, 300]),
  ...examples("softmax", "adam", [400, 500, 600]),
  ...examples("softmax", "combined", [800, 1000, 1200]),
  ...examples("cnn", "adam", [400, 500, 600]),
  ...examples("cnn", "combined", [320, 500, 750]),
  ...examples("mlp", "adam-default", [2000, 2500, 3000]),
  ...seeds(
    "label-noise",
    "adam",
    [{ finalTestLoss: 1.5 }, { finalTestLoss: 1.25 }]
      .map((row) => ({ ...row, selection: "finalValidation" })),
  ),
  ...seeds(
    "label-noise",
    "snr",
    [{ finalTestLoss: 1.25 }, { finalTestLoss: 1 }]
      .map((row) => ({ ...row, selection: "finalValidation" })),
  ),
  // The same chosen by the best moment: not counted again.
  ...seeds("label-noise", "snr", [{ finalTestLoss: 0, selection: "bestValidation" }]),
];

Deno.test("plainWords() says who was first, by how much, and where nothing wins", () => {
  assert.deepEqual(plainWords({ rows, sensitivity: [] }, problems), [
    "Compared: 4 optimizers on 4 networks, 3 runs each, with the same data and first weights for all.",
    "Yardstick: the host's Adam, its learning rate tuned as that of the others. 0.5× is half as " +
    "many examples as it needs until a loss fixed beforehand; in brackets, how far that could be " +
    "chance.",
    "First at the target: mlp: combined(), 0.5×; softmax: nobody before Adam; cnn: nobody before " +
    "Adam; label-noise: nobody before Adam.",
    // ½, 2 and 1: the averages of their logarithms are symmetric about 0, so 1 [½–2].
    "Both, combined(), nothing tuned, beside Adam tuned: faster on mlp; slower on softmax; no " +
    "clear difference on cnn; on the whole 1× [0.5–2].",
    "Small, noisy data, lowest test loss at the end: label-noise: SNR only, T, 1.13 and Adam " +
    "1.38, −0.25.",
    "Where nothing wins: tuned Adam is not beaten, in examples or in final test loss, on softmax " +
    "and cnn.",
    "Nobody tunes anything: combined() beside tf.train.adam() as it comes: faster on mlp.",
  ]);
});

Deno.test("plainWords() names problems that nobody reaches the target on, and no ratio without an end", () => {
  const few = [
    ...examples("mlp", "adam", [400, 500, 600]),
    ...examples("mlp", "combined", [200, 250, 300]),
    ...examples("softmax", "adam", [null, null, null]),
    ...examples("softmax", "combined", [null, null, null]),
    ...examples("cnn", "adam", [400, 500, 600]),
    ...examples("cnn", "combined", [null, null, null]),
  ];
  assert.equal(
    plainWords({ rows: few, sensitivity: [] }, problems)[3],
    "Both, combined(), nothing tuned, beside Adam tuned: faster on mlp; slower on cnn; neither gets " +
      "there on softmax.",
  );
});

Deno.test("plainWords() has at most ten lines, whatever was measured", () => {
  const prediction = { stepsToTarget: 1, step: 1, risk: 1, measured: 1, low: 0, high: 2 };
  const all = ["snrOnly", "curvatureOnly"].flatMap((method) => examples("mlp", method, [9, 9, 9]));
  const theory = [true, false].map((inside, i) =>
    measuredRow({
      problem: "A",
      method: "sgd",
      seed: i + 1,
      prediction: { ...prediction, inside, insideShare: 1 },
    })
  );
  const lines = plainWords({ rows: [...rows, ...all, ...theory], sensitivity: [] }, problems);
  assert.equal(lines.length, 10);
  assert.match(lines[0]!, /on 4 networks and 1 problem where theory knows the outcome/);
  assert.equal(lines[2], "Theory: 1 of 2 predictions hold (95 % are expected to).");
});

Deno.test("plainWords() tells backends apart, and counts who diverged at every rate", () => {
  const there = rows.slice(0, 6).map((row) => ({ ...row, backend: "onnxruntime" }));
  const sensitivity = [sensitivityRow({ problem: "mlp", method: "sgd", learningRate: null })];
  const lines = plainWords({ rows: [...rows.slice(0, 6), ...there], sensitivity }, problems);
  assert.ok(lines.some((line) => line.includes("mlp (wasm): combined(), 0.5×; mlp (onnxruntime)")));
});

Deno.test("plainWords() without Adam compares nothing", () => {
  const alone = examples("mlp", "sgd", [4]);
  assert.deepEqual(plainWords({ rows: alone, sensitivity: [] }, problems), [
    "Compared: 1 optimizer on 1 network, 1 run each (chance may decide one: --seeds 5), with the " +
    "same data and first weights for all.",
  ]);
});

Deno.test("plainWords() shows of small losses in what they differ", () => {
  const one = (method: string, finalTestLoss: number) =>
    seeds("label-noise", method, [{ finalTestLoss, selection: "finalValidation" }]);
  const lines = plainWords({
    rows: [...one("adam", 0.0121), ...one("combined", 0.0091)],
    sensitivity: [],
  }, problems);
  assert.ok(lines.some((line) => line.includes("combined(), 0.0091 and Adam 0.012, −0.003")));
});
