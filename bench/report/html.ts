/** @module */
import { number, selectionTitle } from "../format.ts";
import type { Method } from "../methods.ts";
import type { Surroundings } from "../protocol.ts";
import type { Results } from "../rows.ts";
import { intervalName } from "../statistics.ts";
import type { Group } from "../summary.ts";
import { colourOf } from "./chart.ts";
import { lossChart } from "./loss_chart.ts";
import { noiseChart } from "./noise_chart.ts";
import { practiceChart, predictionChart } from "./risk_chart.ts";
import { sensitivityChart } from "./sensitivity_chart.ts";
import { style } from "./style.ts";
import { escape, groupTable, verdicts } from "./tables.ts";

/** How the benchmark ended. */
export interface Ending extends Surroundings {
  readonly seconds: number;
  readonly interrupted: boolean;
}

function legend(methods: readonly Method[]): string {
  const entries = methods.map((method) => {
    const dashed = method.name === "combined-th" ? ' class="dashed"' : "";
    return `<span title="${escape(method.about)}"><i${dashed} style="color:${
      colourOf(method)
    }"></i>${escape(method.title)}</span>`;
  });
  return `<div class="legend">${entries.join("")}</div>`;
}

const figure = (svg: string, caption: string) =>
  `<figure>${svg}<figcaption>${escape(caption)}</figcaption></figure>`;

function card(group: Group, charts: readonly string[], title = group.problem.title): string {
  const { problem, backend, selection, summaries } = group;
  const { metric, value } = problem.target;
  const what = problem.kind === "theory" ? "risk" : metric === "trainLoss" ? "training" : "test";
  const kind = problem.kind === "theory" ? what : `${what} loss`;
  return `<section class="card"><h3>${escape(title)}</h3>
<p class="about">${escape(problem.about)} ${problem.steps} steps on ${backend}; target: ${kind} ≤ ${
    number(value)
  }; learning rates ${selectionTitle[selection]}.</p>
${legend(summaries.map((s) => s.method).filter((m) => !m.oracle))}
<div class="charts${charts.length > 3 ? " four" : ""}">${charts.join("")}</div>
<details><summary>All numbers</summary>${groupTable(group)}</details></section>`;
}

async function theorySection(groups: readonly Group[]): Promise<string> {
  const cards: string[] = [];
  for (const group of groups) {
    const predicted = group.summaries.some((s) => s.method.predictedAs) && group.problem.quadratic;
    cards.push(card(group, [
      ...(predicted
        ? [
          figure(
            await predictionChart(group),
            "Lines: prediction. Points: measurement, 95 %. Oracles in the colour of their kind.",
          ),
        ]
        : []),
      figure(
        await practiceChart(group),
        predicted
          ? "What can be used; dashed black: combined with the true T."
          : "What can be used; no prediction here.",
      ),
      figure(await sensitivityChart(group), "Tuning runs; the large dot was chosen."),
    ]));
  }
  if (cards.length === 0) return "";
  return `<h2>Where theory predicts the outcome</h2>
<p>Quadratic problems whose curvature and noise are known exactly. Each seed simulates an ensemble of
independent replicas on stochastic gradients; the prediction comes from a recursion without any
simulation. Methods called oracle are told the true signal fraction T, which no training run can know;
the same methods without that word estimate T from the gradients they see.</p>${cards.join("\n")}`;
}

async function networkSection(groups: readonly Group[]): Promise<string> {
  const cards: string[] = [];
  for (const group of groups) {
    const { problem, selection } = group;
    const several = problem.selections.length > 1;
    cards.push(card(
      group,
      [
        ...(problem.noisyData
          ? [figure(await noiseChart(group), "Ring and dot apart: training went on for too long.")]
          : []),
        figure(await lossChart(group, "trainLoss"), "Median over seeds, with its interval."),
        figure(await lossChart(group, "testLoss"), "Median over seeds, with its interval."),
        figure(await sensitivityChart(group), "Tuning runs; the large dot was chosen."),
      ],
      several ? `${problem.title}, ${selectionTitle[selection]}` : problem.title,
    ));
  }
  if (cards.length === 0) return "";
  return `<h2>Networks and real data</h2>
<p>Trained through TensorFlow.js. Adam is <code>tf.train.adam</code>. The two problems with small, noisy
data are shown twice: with learning rates tuned for the best moment, as with an oracle for early stopping,
and tuned for the end of training.</p>${cards.join("\n")}`;
}

function facts({ command, rows }: Results, ending: Ending): string {
  const { device, versions, commit, dirty, seconds } = ending;
  const seeds = [...new Set(rows.map((row) => row.seed))].sort((a, b) => a - b);
  const entries = [
    ["Command", `<code>${escape(command)}</code>`],
    ["Seeds", `${seeds.join(", ")}; learning rates chosen on seed 0`],
    ["Device", escape(`${device.cpu}, ${device.cores} cores, ${device.os}`)],
    [
      "Versions",
      escape(`precond ${versions.precond}, tfjs ${versions.tfjs}, Deno ${versions.deno}`),
    ],
    ["Commit", commit ? `<code>${commit}</code>${dirty ? " and changes on top" : ""}` : "none"],
    ["Took", `${Math.round(seconds)} s for this session's part of ${rows.length} rows`],
  ];
  return `<dl>${entries.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join("")}</dl>`;
}

/** The report: one file with everything in it. */
export async function html(
  results: Results,
  groups: readonly Group[],
  ending: Ending,
): Promise<string> {
  const seeds = new Set(results.rows.map((row) => row.seed)).size;
  const edges = groups.some((g) => g.summaries.some((s) => s.sensitivity?.edge));
  const body = `<h1>What do curvature and signal-to-noise buy?</h1>
<p class="lead">An optimizer can stretch each component of a gradient for two reasons: because the loss
is curved (H⁻¹), or because some components are mostly noise (T, the signal fraction). This report
measures neither, one, the other and both, on problems where theory says what should happen and on
networks where it does not. Every method got the same number of tuning runs, on a seed of its own and
never on test data, and then ran on fresh seeds.</p>
<p>Numbers are medians over ${seeds} seeds [${intervalName(seeds)}]. Where intervals overlap it is
called a tie. A target that was not reached is “–”, or “∞” for some of the seeds.</p>
${ending.interrupted ? '<p class="card warn">Interrupted: only finished rows are shown.</p>' : ""}
<div class="card">${facts(results, ending)}</div>
<h2>Who won where</h2>
<div class="card">${verdicts(groups)}${
    edges
      ? '<p class="soft">▲▼ in the tables of numbers: the chosen learning rate is the largest or smallest tried; a better one may lie outside.</p>'
      : ""
  }</div>
${await theorySection(groups.filter((g) => g.problem.kind === "theory"))}
${await networkSection(groups.filter((g) => g.problem.kind === "network"))}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>precond: benchmark</title><style>${style}</style></head><body><main>${body}</main></body></html>
`;
}
