import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { measuredRow, sensitivityRow } from "../_testing.ts";
import { main } from "../report.ts";
import type { Row } from "../rows.ts";
import { draw, slim } from "./chart.ts";
import { markdown } from "./markdown.ts";
import { contestsOf } from "./material.ts";
import { effectWords, sentence } from "./effect_words.ts";
import { overviewTable } from "./overview.ts";
import { problemCard } from "./problem_card.ts";
import { merge, type RowsFile } from "./read.ts";
import { thinned, thinnedLogarithmically } from "./thin.ts";
import { words } from "./words.ts";

const file = (rows: Row[], command = "deno run -A bench/main.ts"): RowsFile => ({
  schemaVersion: 1,
  command,
  rows,
  sensitivity: rows.map(({ problem, method }) => sensitivityRow({ problem, method })),
});
const run = (method: string, examplesToTarget: number | null, more: Partial<Row> = {}) =>
  measuredRow({ problem: "mlp", method, examplesToTarget, ...more });

Deno.test("merge() takes what several files have from the last of them", () => {
  const { results, groups } = merge([
    file([run("adam", 1), run("adam", 2, { seed: 2 }), run("sgd", 3)]),
    file([run("adam", 7)]),
  ]);
  assert.deepEqual(results.rows.map((row) => row.examplesToTarget), [7, 3]);
  assert.equal(results.sensitivity.length, 2);
  assert.deepEqual(groups.map(({ problem }) => problem.title), ["MLP 784-32-10, digits"]);
});

Deno.test("merge() has a problem in the size of its file, and refuses both sizes together", () => {
  const full = file([run("adam", 7)], "deno run -A bench/main.ts --full");
  assert.deepEqual(merge([full]).groups.map(({ problem }) => problem.steps), [1500]);
  assert.throws(
    () => merge([file([run("adam", 7)]), full]),
    /Cannot merge the rows: "mlp" is there in its quick and in its full size/,
  );
});

Deno.test("merge() refuses rows of a problem that it cannot know", () => {
  const rows = [measuredRow({ problem: "csv", method: "adam" })];
  assert.throws(() => merge([file(rows)]), /problem "csv" is not one of the benchmark's/);
});

Deno.test("merge() takes rows that were kept without their curves", () => {
  const { curve: _, ...bare } = run("adam", 7);
  const { results } = merge([file([bare as Row])]);
  assert.deepEqual(results.rows[0]!.curve, { step: [], trainLoss: [] });
});

Deno.test("batch sizes are groups of their own; the overview has the problem's", () => {
  const given = merge([file([
    ...[run("adam", 800), run("sgd", 400)],
    ...[run("adam", 640, { batchSize: 64 }), run("sgd", 64, { batchSize: 64 })],
  ])]);
  assert.deepEqual(given.groups.map(({ problem }) => problem.batchSize), [16, 64]);
  const [contest, ...others] = contestsOf(given, "standard");
  assert.equal(others.length, 0);
  assert.deepEqual(contest!.comparisons.map(({ effect }) => effect.middle), [0.5]);
  const title = "MLP 784-32-10, digits · wasm";
  assert.deepEqual(
    [...markdown(given).matchAll(/^- \*\*(.*)\.\*\*/gm)].map(([, name]) => name),
    [title, `${title} · B = 64`],
  );
  assert.deepEqual(
    [...words(given).body.matchAll(/<td>(MLP.*?)<\/td>/g)].map(([, name]) => name),
    [title, `${title} · B = 64`],
  );
});

Deno.test("the overview says in words, symbols and classes who is better", () => {
  const given = merge([file([run("adam", 800), run("sgd", 400), run("snr", null)])]);
  const [contest] = contestsOf(given, "standard");
  const table = overviewTable(contest!, () => true);
  assert.match(
    table,
    /<td class="better s3"><a href="#r-mlp-wasm-16-finalTrainLoss"[^>]*><b><i>▲<\/i> 0\.5×/,
  );
  assert.match(table, /<td class="worse s3"><a [^>]*><b><i>▼<\/i> never/);
  assert.match(
    table,
    /data-tip="SGD: MLP 784-32-10, digits: 0\.5×, examples to the target, against tuned Adam; better, 1 seed"/,
  );
});

Deno.test("effectWords() has a sign where losses are compared", () => {
  const words = (final: number) => {
    const rows = [
      run("adam", 1, { finalTestLoss: 0.5 }),
      run("sgd", 1, { finalTestLoss: final }),
    ];
    const [contest] = contestsOf(merge([file(rows)]), "standard", "finalTestLoss");
    return effectWords(contest!.comparisons[0]!).main;
  };
  assert.deepEqual([words(0.25), words(0.75), words(0.5)], ["−0.25", "+0.25", "0"]);
});

Deno.test("sentence() says who diverged and who missed a target, and on how many seeds", () => {
  const say = (
    [ours, theirs]: [(number | null)[], (number | null)[]],
    compared?: "finalTestLoss",
  ) => {
    const runs = (method: string, values: (number | null)[]) =>
      values.map((value, i) =>
        run(method, value, { seed: i + 1, finalTestLoss: value, diverged: value === null })
      );
    const rows = [...runs("adam", theirs), ...runs("sgd", ours)];
    const [contest] = contestsOf(merge([file(rows)]), "standard", compared);
    return sentence(contest!.comparisons[0]!, "MLP");
  };
  const none = [null, null];
  assert.deepEqual([[none, none], [none, [1, 1]], [[1, 1], none]].map((two) => say(two as never)), [
    "SGD: MLP: neither it nor tuned Adam reaches the target; not reached, 2 seeds",
    "SGD: MLP: does not reach the target, tuned Adam does; worse, 2 seeds",
    "SGD: MLP: reaches the target, tuned Adam does not; better, 2 seeds",
  ]);
  const losses = [[none, none], [none, [1, 1]], [[1, 1], none]] as never[];
  assert.deepEqual(losses.map((two) => say(two, "finalTestLoss")), [
    "SGD: MLP: both it and tuned Adam diverge; level, 2 seeds",
    "SGD: MLP: diverges, tuned Adam does not; worse, 2 seeds",
    "SGD: MLP: does not diverge, tuned Adam does; better, 2 seeds",
  ]);
  // It fails on two of three seeds, so that the typical effect has no number.
  assert.match(
    say([[null, null, 1], [1, 1, 1]]),
    /^SGD: MLP: reaches the target on 1 of 3 seeds, tuned Adam on 3 \(95 %: .*\); no difference/,
  );
});

Deno.test("a card has a map of T for each method that estimates it, by layer and step", async () => {
  const column = { fraction: [0.02, 0.03], p10: [0.01, 0.01], p50: [0.02, 0.02] };
  const signal = {
    step: [10, 20],
    layers: {
      kernel0: { ...column, p90: [0.25, 0.125] },
      // What was not a number is null in a file.
      kernel1: { ...column, p90: [0.5, null as never] },
    },
  };
  const curve = { step: [0, 20], trainLoss: [2, 1], signal };
  const given = merge([file([run("adam", 8), run("snrOnly", 8, { curve })])]);
  const { html } = await problemCard(given.groups[0]!);
  assert.match(
    html,
    /aria-label="MLP 784-32-10, digits · wasm · B = 16: T of each layer over steps"/,
  );
  const tips = [...html.matchAll(/data-tip="(snrOnly\(\): layer [^"]*)"/g)].map(([, tip]) => tip);
  assert.equal(tips.length, 3);
  assert.equal(
    tips[1],
    "snrOnly(): layer 0 after 20 steps: T 0.03; of single weights a tenth has less than 0.01, " +
      "half less than 0.02, a tenth more than 0.125",
  );
  const without = await problemCard(merge([file([run("adam", 8)])]).groups[0]!);
  assert.ok(!without.html.includes("T of each layer"));
});

Deno.test("markdown() has the same effects as the overview, and none of oracles", () => {
  const text = markdown(merge([file([run("adam", 800), run("sgd", 400), run("snr", null)])]));
  assert.match(text, /\| SGD \| ▲ 0\.5× \|/);
  assert.match(text, /\| SNR only, T \| ▼ never \|/);
  assert.match(text, /## Standard networks, wasm\n\nexamples to the target, against tuned Adam:/);
});

Deno.test("a contest can be with another rival", () => {
  const rows = [run("adam", 800), run("adam-default", 1600), run("combined", 400)];
  const [contest] = contestsOf(merge([file(rows)]), "standard", undefined, "adam-default");
  const found = contest!.comparisons.map(({ method, effect }) => [method, effect.middle]);
  assert.deepEqual(found, [["adam", 0.5], ["combined", 0.25]]);
  assert.match(
    overviewTable(contest!, () => true),
    /examples to the target, against Adam, η 0\.001/,
  );
});

Deno.test("report.ts makes page and summary of recorded rows, and says what it cannot read", async () => {
  const folder = await Deno.makeTempDir();
  const said: string[] = [];
  const { error, log } = console;
  console.error = console.log = (message) => void said.push(message);
  try {
    const [html, markdown] = [join(folder, "a.html"), join(folder, "a.md")];
    const [rows, times, other] = ["shipped", "overhead", "step"].map((name) =>
      fileURLToPath(new URL(`../results/${name}.json`, import.meta.url))
    ) as [string, string, string];
    assert.equal(await main([rows, "--markdown", markdown]), 0);
    assert.equal(await main([times, "--html", html]), 0);
    assert.match(await Deno.readTextFile(html), /^<!doctype html>[^]*tf\.train\.adam: 5\.92 ms/);
    assert.match(await Deno.readTextFile(markdown), /\| combined\(\) \| [▲▼○–]/);
    assert.equal(await main([other, "--html", html]), 2);
    assert.equal(await main([rows]), 2);
    assert.equal(await main([join(folder, "none.json"), "--html", html]), 2);
    assert.match(
      said.join("\n"),
      /neither those of main\.ts nor of overhead\.ts\nNothing to do: say where/,
    );
  } finally {
    Object.assign(console, { error, log });
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("slim() rounds where marks are, not what they say", () => {
  assert.equal(
    slim(
      '<path aria-label="SGD: 0.01234" role="graphics-symbol" d="M1.23456,0.01"/><text>0.01</text>',
    ),
    '<path data-tip="SGD: 0.01234" d="M1.2,0"/><text>0.01</text>',
  );
});

Deno.test("draw() has a name, tips, and colours that the page can change", async () => {
  const svg = await draw({
    data: { values: [{ x: 1, tip: "SGD: 1.2345" }] },
    mark: { type: "point", color: "var(--m-sgd)" },
    encoding: { x: { field: "x", type: "quantitative" }, description: { field: "tip" } },
  }, "a point");
  assert.match(svg, /^<svg role="img" aria-label="a point"/);
  assert.match(svg, /data-tip="SGD: 1\.2345"[^>]*"var\(--m-sgd\)"/);
  assert.doesNotMatch(svg, /#[0-9a-f]{3,6}"/);
});

Deno.test("thinned() keeps the ends, and no position twice", () => {
  assert.deepEqual(thinned(3, 5), [0, 1, 2]);
  assert.deepEqual(thinned(101, 5), [0, 25, 50, 75, 100]);
});

Deno.test("thinnedLogarithmically() leaves out step 0 and thins the far end more", () => {
  const steps = Array.from({ length: 1025 }, (_, i) => i);
  assert.deepEqual(thinnedLogarithmically(steps, 6).map((i) => steps[i]), [
    1,
    4,
    16,
    64,
    256,
    1024,
  ]);
  assert.deepEqual(thinnedLogarithmically([0, 3, 9], 6), [1, 2]);
});
