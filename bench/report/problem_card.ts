/** @module */
import { selectionTitle, targetOf } from "../format.ts";
import type { Method } from "../methods.ts";
import type { Group } from "../summary.ts";
import { type Column, lossChart, withCurve } from "./curve_chart.ts";
import { figure, legend, rowsLink } from "./figures.ts";
import { groupTitle, placeOf, slug } from "./material.ts";
import { noiseChart } from "./noise_chart.ts";
import type { Part } from "./page.ts";
import { hasPrediction, hasRisk, practiceChart, predictionChart } from "./risk_chart.ts";
import { rowsTable } from "./rows_table.ts";
import { hasSensitivity, sensitivityChart } from "./sensitivity_chart.ts";
import { hasSignal, signalChart } from "./signal_chart.ts";
import { hasSteps, stepChart } from "./step_chart.ts";
import { escape, groupTable } from "./tables.ts";

async function charts(group: Group): Promise<[svg: string, caption: string][]> {
  const found: [string, string][] = [];
  if (hasPrediction(group)) {
    found.push([
      await predictionChart(group),
      "Lines: what theory predicts. Points: measured, 95 %. Oracles in the colour of their kind.",
    ]);
  }
  if (hasRisk(group)) {
    found.push([
      await practiceChart(group),
      "What can be used, measured; dashed black: combined, told the true T.",
    ]);
  }
  if (group.problem.noisyData) {
    found.push([
      await noiseChart(group),
      "Test loss at its best moment (ring) and at the end (dot): apart where training went on too long.",
    ]);
  }
  if (group.problem.kind === "network") {
    for (const column of ["trainLoss", "testLoss"] satisfies Column[]) {
      if (withCurve(group, column).length === 0) continue;
      const target = group.problem.target.metric === column ? "; dotted: the target" : "";
      found.push([
        await lossChart(group, column),
        `Median over seeds, band: its interval${target}.`,
      ]);
    }
  }
  if (hasSignal(group)) {
    found.push([
      await signalChart(group),
      "How much of a gradient is signal, by layer, in the first seed's run: T that a tenth of the " +
      "layer's weights exceed. Bright: all of it; dark: a two-hundredth or less.",
    ]);
  }
  if (hasSensitivity(group)) {
    found.push([
      await sensitivityChart(group),
      "The tuning runs: wide and flat is easy to tune. The large dot was chosen.",
    ]);
  }
  if (group.problem.kind === "network" && hasSteps(group)) {
    found.push([await stepChart(group), "A whole step, in runs that reached the target."]);
  }
  return found;
}

/** More lines than that cannot be told apart. */
const mostLines = 14;

/** What is for use, and Adam with the rest: two groups where one has too many lines. */
function split(group: Group): Group[] {
  const shown = group.summaries.filter(({ method }) => !method.oracle);
  if (shown.length <= mostLines) return [group];
  const { problem } = group;
  const part = (title: string, has: (method: Method) => boolean): Group => ({
    ...group,
    problem: { ...problem, title },
    summaries: group.summaries.filter(({ method }) => has(method)),
  });
  const first = (m: Method) => m.family === "ours" || (m.family === "host" && !m.shipped);
  return [
    part(problem.title, first),
    part(`${problem.title}, further methods`, (m) => m.name === "adam" || !first(m)),
  ];
}

async function pictures(group: Group, whole: Group): Promise<string> {
  const figures = (await charts(group)).map(([svg, caption]) =>
    figure(svg, caption, rowsLink(whole))
  );
  return `${legend(group.summaries.map((s) => s.method).filter((m) => !m.oracle))}
<div class="charts">${figures.join("")}</div>`;
}

/**
 * Everything about one problem, on one backend, at one batch size, by one selection. The title has the
 * batch size where it is not the usual one.
 */
export async function problemCard(group: Group, usualBatch?: number): Promise<Part> {
  const { problem, selection } = group;
  const [first, second] = split(group);
  const further = second
    ? `<details class="further"><summary>Further methods</summary>${await pictures(
      second,
      group,
    )}</details>`
    : "";
  const id = `p-${slug(placeOf(group))}`;
  const title = groupTitle(group, usualBatch);
  const html = `<section class="card" id="${id}" aria-labelledby="h-${id}"><h3 id="h-${id}">${
    escape(title)
  }</h3>
<p class="about">${
    escape(problem.about)
  } ${problem.steps} steps of B = ${problem.batchSize}; target: ${
    targetOf(problem)
  }; learning rates ${selectionTitle[selection]}.</p>
${await pictures(first!, group)}${further}
<details class="numbers"><summary>All numbers</summary>${groupTable(group)}</details>
${rowsTable(group)}</section>`;
  return { id, title, html };
}
