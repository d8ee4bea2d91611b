/** @module */
import Table from "cli-table3";
import { interval, number, rate, selectionTitle, targetOf } from "./format.ts";
import type { Recorded } from "./comparison.ts";
import { plainWords } from "./plain_words.ts";
import { intervalName } from "./statistics.ts";
import type { Group, Summary } from "./summary.ts";
import { conclude } from "./verdict.ts";

const plain = { style: { head: [], border: [], compact: true } };

function predictionCells({ prediction }: Summary): string[] {
  if (!prediction) return ["", ""];
  const { stepsToTarget, inside } = prediction;
  return [stepsToTarget === null ? "not within run" : String(stepsToTarget), inside ? "yes" : "NO"];
}

/** The table of one group, with what is known of theory or of test data. */
export function groupTable({ problem, summaries }: Group): string {
  const theory = problem.kind === "theory";
  const table = new Table({
    ...plain,
    head: [
      "method",
      "learning rate",
      "steps",
      "seconds",
      ...(theory
        ? ["final risk", "predicted", "inside 95 %"]
        : ["train", "test", "best test", "lost"]),
    ],
  });
  for (const summary of summaries) {
    const { method, rows, sensitivity, metrics } = summary;
    table.push([
      method.title,
      rate(rows[0]?.learningRate, sensitivity?.edge ?? null),
      interval(metrics.stepsToTarget),
      number(metrics.secondsToTarget?.middle),
      interval(metrics.finalTrainLoss),
      ...(theory ? predictionCells(summary) : [
        interval(metrics.finalTestLoss),
        interval(metrics.bestTestLoss),
        number(metrics.lostSinceBest?.middle),
      ]),
    ]);
  }
  return table.toString();
}

/** The batch size where there may be several. */
const batch = ({ atBatch, batchSize }: Group["problem"]) =>
  atBatch === undefined ? "" : `B = ${batchSize} · `;

/** Which group this is: problem, batch size, backend and what the learning rates were chosen by. */
export function heading({ problem, backend, selection }: Group): string {
  return `${problem.name}: ${problem.title} · ${batch(problem)}${backend} · ` +
    `${selectionTitle[selection]} · target: ${targetOf(problem)}`;
}

/** Who won where, in words. */
export function verdictTable(groups: readonly Group[], width: number): string {
  const problemWidth = 24;
  const table = new Table({
    ...plain,
    head: ["problem", "in words"],
    colWidths: [problemWidth, Math.max(50, Math.min(width, 140) - problemWidth - 3)],
    wordWrap: true,
  });
  for (const group of groups) {
    const { fastest, lowest, lost, oracle, predicted } = conclude(group);
    const lines = [
      `Steps to target: ${fastest}.`,
      ...(lowest ? [`Final test loss: ${lowest}.`] : []),
      ...(lost ? [`Lost since its best moment: ${lost}.`] : []),
      ...(oracle ? [`Told the truth (oracles): ${oracle}.`] : []),
      ...(predicted ? [`Theory: ${predicted}.`] : []),
    ];
    const { problem, backend, selection } = group;
    const chosen = problem.selections.length > 1 ? `\n${selectionTitle[selection]}` : "";
    table.push([`${problem.name} · ${batch(problem)}${backend}${chosen}`, lines.join("\n")]);
  }
  return table.toString();
}

/** Lines broken between words, what follows the first one indented. */
function wrapped(line: string, width: number): string {
  const rows = [""];
  for (const word of line.split(" ")) {
    const last = rows.at(-1)!;
    if (last !== "" && last.length + 1 + word.length > width) rows.push(`  ${word}`);
    else rows[rows.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return rows.join("\n");
}

/** What was found, in at most ten sentences. */
function verdictLines(groups: readonly Group[], { sensitivity }: Recorded, width: number): string {
  const rows = groups.flatMap(({ summaries }) => summaries.flatMap((summary) => summary.rows));
  const problems = [...new Set(groups.map(({ problem }) => problem))];
  return plainWords({ rows, sensitivity }, problems)
    .map((line, i) => wrapped(`${i + 1}. ${line}`, width)).join("\n");
}

/** Everything that a run prints at its end. */
export function report(groups: readonly Group[], width: number, recorded: Recorded): string {
  if (groups.length === 0) return "No rows.";
  const seeds = Math.max(...groups.flatMap((g) => g.summaries.map((s) => s.rows.length)));
  const edges = groups.flatMap((group) =>
    group.summaries
      .filter((s) => s.sensitivity?.edge)
      .map((s) => `${group.problem.name}/${s.method.name}`)
  );
  return [
    ...groups.map((group) => `${heading(group)}\n${groupTable(group)}`),
    verdictTable(groups, width),
    `Median over ${seeds} seeds [${intervalName(seeds)}]; a tie means that these overlap. ` +
    "– : target not reached, or not measured.",
    ...(edges.length > 0
      ? [
        `▲▼ The best learning rate is the largest or smallest of its grid, so that a better one may ` +
        `lie outside: ${[...new Set(edges)].join(", ")}.`,
      ]
      : []),
    `In plain words\n${verdictLines(groups, recorded, Math.min(width, 140))}`,
  ].join("\n\n");
}
