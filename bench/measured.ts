/**
 * What the root README, docs/which_optimizer.md and docs/benchmark.md say was measured, from the recorded rows:
 * `deno task measured:write`. `measured_test.ts` finds them out of date.
 *
 * @module
 */
import {
  type Compared,
  comparisonsOf,
  decisive,
  type Finding,
  type Recorded,
} from "./comparison.ts";
import { fineTuningTable } from "./fine_tuning/table.ts";
import type { FineTuning } from "./fine_tuning/tune.ts";
import { markdownTable } from "./format.ts";
import { markdownOverview } from "./markdown.ts";
import { plainWords } from "./plain_words.ts";
import { allProblems } from "./problems/mod.ts";
import { median } from "./statistics.ts";

type Row = Readonly<Record<string, string | number | boolean | null>>;

const folder = new URL("results/", import.meta.url);
const rowsOf = (file: string): Row[] =>
  JSON.parse(Deno.readTextFileSync(new URL(`${file}.json`, folder))).rows;

/** The rows of a file with these values. */
function find(file: string, wanted: Row): Row[] {
  const found = rowsOf(file).filter((row) =>
    Object.entries(wanted).every(([key, value]) => row[key] === value)
  );
  if (found.length === 0) {
    throw new Error(`Cannot find a row of ${file}.json with ${JSON.stringify(wanted)}`);
  }
  return found;
}

/** A number of the only row with these values. */
function number(file: string, wanted: Row, key: string): number {
  const found = find(file, wanted);
  if (found.length > 1) {
    throw new Error(
      `Cannot tell ${found.length} rows of ${file}.json apart by ${JSON.stringify(wanted)}`,
    );
  }
  return Number(found[0]![key]);
}

const digits = (x: number) => x.toLocaleString("en", { maximumSignificantDigits: 2 });
const times = (x: number) => `${digits(x)} times`;
const link = (file: string) => `[rows](bench/results/${file}.json)`;

/** tf.train.adam over our Adam, on a million parameters in one variable. */
function updates(file: string, backend: string, runtime: string): string {
  const row = { backend, runtime, method: "adam", parameters: 1e6, variables: 1 };
  return times(1 / number(file, { ...row, baseline: "tf.train.adam" }, "ratio"));
}

/** The TrainingSession's step over ours. */
function session(model: string, provider: string, threads: number | null): string {
  const row = { model, provider, threads, runtime: "node", method: "adamw" };
  return digits(number("onnxruntime", { ...row, baseline: "TrainingSession 1.19.2" }, "ratio"));
}

const recordedIn = (file: string): Recorded =>
  JSON.parse(Deno.readTextFileSync(new URL(`${file}.json`, folder)));
const shipped = {
  tfjs: decisive(recordedIn("shipped")),
  onnxruntime: decisive(recordedIn("shipped_onnxruntime")),
};

/** A library with rows of its own. */
type Host = keyof typeof shipped;

/** What of a run is said. */
type Measured = "examplesToTarget" | "finalTestLoss" | "bestTestLoss";

/** The median over seeds of what the rows of a method have; a run that never got there counts as ∞. */
function medianOf(problem: string, method: string, key: Measured, host: Host = "tfjs"): number {
  const rows = shipped[host].rows.filter((row) => row.problem === problem && row.method === method);
  return median(rows.map((row) => row[key] ?? Infinity));
}

/** The median test loss of a method, at the end of training or at its best moment. */
function loss(
  problem: string,
  method: string,
  when: "finalTestLoss" | "bestTestLoss" = "finalTestLoss",
  host: Host = "tfjs",
): string {
  return medianOf(problem, method, when, host).toFixed(2);
}

const problems = ["mlp", "cnn", "softmax", "sparse-logistic", "label-noise"];
const names: Readonly<Record<string, string>> = {
  combined: "combined()",
  snrOnly: "snrOnly()",
  curvatureOnly: "curvatureOnly()",
  adam: "Adam",
  adamw: "AdamW, decay 0.01",
  sgd: "sgd()",
  snr: "signalSgd()",
};

/** Of every optimizer on every problem. */
function evidence(cell: (problem: string, method: string) => string): string {
  return markdownTable(
    ["", ...problems],
    Object.entries(names).map(([method, name]) => [
      `\`${name}\``,
      ...problems.map((problem) => cell(problem, method)),
    ]),
  );
}

const examples = (host: Host) => (problem: string, method: string) => {
  const count = medianOf(problem, method, "examplesToTarget", host);
  return Number.isFinite(count) ? String(count) : "–";
};

/** Every optimizer beside tuned Adam on the same seeds, on TensorFlow.js. */
const beside = (compared: Compared) => markdownOverview(shipped.tfjs, { compared, titles: names });

/** Test losses on tfjs and ONNX Runtime, examples to the target, and both beside tuned Adam. */
export function evidenceTables(): string {
  const losses = (host: Host) => (problem: string, method: string) =>
    `${loss(problem, method, "finalTestLoss", host)} (${
      loss(problem, method, "bestTestLoss", host)
    })`;
  return [
    "On TensorFlow.js (wasm; Adam is `tf.train.adam`):",
    evidence(losses("tfjs")),
    "On ONNX Runtime (the CPU in Node.js; Adam is ours):",
    evidence(losses("onnxruntime")),
    "Examples until the loss of the problem's target was reached, on TensorFlow.js (–: not in most runs):",
    evidence(examples("tfjs")),
    "The same beside Adam, seed by seed: 0.5× is half as many as it needed, with the 95 % interval " +
    "over seeds ([how](../bench/PROTOCOL.md#comparisons)). Bold is better, italic worse, plain no " +
    "difference that five runs show:",
    beside("examplesToTarget"),
    "And the test loss at the end, minus Adam's:",
    beside("finalTestLoss"),
  ].join("\n\n");
}

/** What is called how in the contest of many networks. */
const contestants: Readonly<Record<string, string>> = {
  combined: "combined()",
  snrOnly: "snrOnly()",
  curvatureOnly: "curvatureOnly()",
  "combined-tuned": "combined(), tuned",
  "snrOnly-tuned": "snrOnly(), tuned",
  "combined-no-snr": "combined() without √T, tuned",
  snr: "signalSgd(), tuned",
  "m-svag": "mSvag(), tuned",
  adam: "Adam, tuned",
  "adam-default": "Adam, 0.001",
  adamw: "AdamW, tuned",
  rmsprop: "RMSProp, tuned",
  momentum: "momentum, tuned",
  sgd: "SGD, tuned",
};

/** The contest of many networks on both hosts and at full size: in words, and beside Adam tuned and not. */
export function contestText(): string {
  const contest = recordedIn("contest_onnxruntime");
  const tfjs = recordedIn("contest_wasm");
  const full = recordedIn("contest_full_onnxruntime");
  const overview = (compared: Compared, rival: string, rows = contest) =>
    markdownOverview(rows, { compared, rival, titles: contestants });
  const besideAdam = (rows: Recorded) => [
    overview("examplesToTarget", "adam", rows),
    "Test loss at the end, minus the tuned Adam's:",
    overview("finalTestLoss", "adam", rows),
  ];
  return [
    plainWords(contest, allProblems(false)).map((line) => `- ${line}`).join("\n"),
    "## Examples to the target, beside the tuned Adam",
    "0.5× is half as many as it needed. Bold is better, italic worse, plain no difference that five " +
    "runs show, – reached by neither:",
    overview("examplesToTarget", "adam"),
    "## Test loss at the end, minus the tuned Adam's",
    overview("finalTestLoss", "adam"),
    "## Examples to the target, beside an Adam that nobody tunes",
    "Its rate is 0.001, as it comes:",
    overview("examplesToTarget", "adam-default"),
    "## The same on TensorFlow.js",
    "On wasm, beside a tuned `tf.train.adam`, with the same data, first weights and batches. Examples " +
    "to the target:",
    ...besideAdam(tfjs),
    "## At full size",
    "On ONNX Runtime; 150 to 2,000 steps (20 rounds of `federated`), and nine rates for each method " +
    "that is tuned to be chosen from. In words:",
    plainWords(full, allProblems(true)).map((line) => `- ${line}`).join("\n"),
    "Examples to the target, beside the tuned Adam:",
    ...besideAdam(full),
    "## In seconds",
    "Full size, one run at a time, evaluation not counted: seconds to the target, beside the tuned " +
    "Adam. On ONNX Runtime, on the CPU with one thread:",
    overview("secondsToTarget", "adam", recordedIn("seconds_onnxruntime")),
    "On TensorFlow.js, wasm with one thread, beside a tuned `tf.train.adam`:",
    overview("secondsToTarget", "adam", recordedIn("seconds_wasm")),
  ].join("\n\n");
}

/** One line a subject. */
export function measuredLines(): string[] {
  const step = (backend: string) =>
    digits(number("step", { backend, runtime: "deno", method: "adam" }, "ratio"));
  const full = comparisonsOf(decisive(recordedIn("contest_full_onnxruntime")), {
    compared: "examplesToTarget",
  });
  const networks = (method: string, wanted: Finding) =>
    full.filter((c) => c.method === method && c.finding === wanted).map(({ problem }) => problem);
  const network = { network: "LeNet, batch 64" };
  const wasm = number("wasm_training", network, "wasm_ms");
  const cpu = number("wasm_training", network, "cpu_ms") / 1e3;
  return [
    `**The update alone**, Adam with equal settings, a million weights: \`tf.train.adam\` takes ` +
    `${updates("overhead", "cpu", "deno")} as long on cpu, ` +
    `${updates("overhead", "wasm", "deno")} on wasm, ` +
    `${updates("overhead_gpu_step", "webgl", "chromium")} on webgl and ` +
    `${updates("overhead_gpu_step", "webgpu", "chromium")} on webgpu ` +
    `(a software GPU; ${link("overhead")}, ${link("overhead_gpu_step")}).`,
    `**A whole \`minimize\` step** of an MLP 784-128-10 on batches of 64 is ${
      step("cpu")
    } times as ` +
    `fast on cpu and ${step("wasm")} times on wasm (${link("step")}).`,
    `**ONNX Runtime 1.30 with our trainer** against the \`TrainingSession\` of 1.19.2, in Node.js: ` +
    `an MLP trains ${session("mlp", "cpu", null)} times as fast on the CPU and ` +
    `${session("mlp", "wasm", 2)} times on wasm with two threads, a small CNN ` +
    `${session("cnn", "cpu", null)} and ${session("cnn", "wasm", 2)} times (${
      link("onnxruntime")
    }).`,
    `**Convolutions on tfjs's wasm**, which it cannot train by itself: a LeNet step takes ` +
    `${digits(wasm)} ms, on its cpu backend ${digits(cpu)} s (${link("wasm_training")}).`,
    `**Examples to the target**, fourteen networks at full size, ours without options, Adam at the best ` +
    `of nine rates: combined() needs fewer on ${networks("combined", "better").length}, more on ` +
    `${networks("combined", "worse").join(" and ")}; snrOnly() fewer on ` +
    `${networks("snrOnly", "better").length}, more on ${
      networks("snrOnly", "worse").join(" and ")
    } ` +
    `(${link("contest_full_onnxruntime")}, [more](docs/benchmark.md)).`,
    `**Test loss at the end**, medians of five short runs, Adam at the best of five rates: digits, ` +
    `MLP: combined() ${loss("mlp", "combined")}, snrOnly() ${loss("mlp", "snrOnly")}, Adam ` +
    `${loss("mlp", "adam")}; convolutions: ${loss("cnn", "combined")}, ${loss("cnn", "snrOnly")}, ${
      loss("cnn", "adam")
    }. 400 noisy examples: snrOnly() ` +
    `${loss("sparse-logistic", "snrOnly")}, signalSgd() ${loss("sparse-logistic", "snr")}, Adam ${
      loss("sparse-logistic", "adam")
    } ` +
    `([more](docs/which_optimizer.md)).`,
  ];
}

const END = "<!-- /measured -->";

/**
 * The page with the text between its marks, not yet set as `deno fmt` does.
 *
 * @param part Which marks, on a page that has several.
 */
export function withMeasured(page: string, text: string, part = "measured"): string {
  const begin = `<!-- ${part}: deno task measured:write -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(END, from);
  if (from < 0 || to < from) {
    throw new Error(`Cannot write what was measured: no "${begin}" … "${END}"`);
  }
  return `${page.slice(0, from)}${begin}\n\n${text}\n\n${page.slice(to)}`;
}

/** The pages, what they say, and where if they say several things. */
export function measuredPages(): [page: string, text: string, part?: string][] {
  return [
    ["README.md", measuredLines().map((line) => `- ${line}`).join("\n")],
    ["docs/which_optimizer.md", evidenceTables()],
    [
      "docs/which_optimizer.md",
      fineTuningTable(rowsOf("fine_tuning") as unknown as FineTuning[]),
      "measured fine-tuning",
    ],
    ["docs/benchmark.md", contestText()],
  ];
}

/** Where a page is. */
export const pageAt = (path: string): URL => new URL(`../${path}`, import.meta.url);

if (import.meta.main) {
  for (const [path, text, part] of measuredPages()) {
    const page = await Deno.readTextFile(pageAt(path));
    await Deno.writeTextFile(pageAt(path), withMeasured(page, text, part));
  }
}
