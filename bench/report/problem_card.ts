/** @module */
import { number, selectionTitle } from "../format.ts";
import type { Group } from "../summary.ts";
import { type Column, lossChart, withCurve } from "./curve_chart.ts";
import { figure, legend, rowsLink } from "./figures.ts";
import { groupTitle, placeOf, slug } from "./material.ts";
import { noiseChart } from "./noise_chart.ts";
import type { Part } from "./page.ts";
import { hasPrediction, hasRisk, practiceChart, predictionChart } from "./risk_chart.ts";
import { rowsTable } from "./rows_table.ts";
import { hasSensitivity, sensitivityChart } from "./sensitivity_chart.ts";
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

/**
 * Everything about one problem, on one backend, at one batch size, by one selection. The title has the
 * batch size where it is not the usual one.
 */
export async function problemCard(group: Group, usualBatch?: number): Promise<Part> {
  const { problem, selection, summaries } = group;
  const { metric, value } = problem.target;
  const what = metric === "testLoss" ? "test loss" : "training loss";
  const kind = problem.kind === "theory" ? "risk" : what;
  const figures = (await charts(group)).map(([svg, caption]) =>
    figure(svg, caption, rowsLink(group))
  );
  const id = `p-${slug(placeOf(group))}`;
  const title = groupTitle(group, usualBatch);
  const html = `<section class="card" id="${id}" aria-labelledby="h-${id}"><h3 id="h-${id}">${
    escape(title)
  }</h3>
<p class="about">${escape(problem.about)} ${problem.steps} steps; target: ${kind} ≤ ${
    number(value)
  }; learning rates ${selectionTitle[selection]}.</p>
${legend(summaries.map((s) => s.method).filter((m) => !m.oracle))}
<div class="charts">${figures.join("")}</div>
<details class="numbers"><summary>All numbers</summary>${groupTable(group)}</details>
${rowsTable(group)}</section>`;
  return { id, title, html };
}
