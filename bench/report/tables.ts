/** @module */
import { factor, interval, number, rate } from "../format.ts";
import type { Group, Summary } from "../summary.ts";
import { conclude } from "../verdict.ts";
import { groupTitle, type Material, usualBatch } from "./material.ts";

/** Text for HTML. */
export function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]) =>
    `<tr>${row.map((cell) => `<${tag}>${cell}</${tag}>`).join("")}</tr>`;
  return `<div class="scroll"><table><thead>${cells("th", head)}</thead><tbody>${
    rows.map((row) => cells("td", row)).join("")
  }</tbody></table></div>`;
}

/** Who won where, in words. */
export function verdicts(given: Material): string {
  const rows = given.groups.map((group) => {
    const { fastest, lowest, lost, oracle, predicted } = conclude(group);
    const rest = [
      lowest ? `<b>Final test loss:</b> ${escape(lowest)}.` : "",
      lost ? `<b>Lost since its best moment:</b> ${escape(lost)}.` : "",
      oracle ? `<span class="soft">Told the truth (oracles): ${escape(oracle)}.</span>` : "",
      predicted ? `<span class="soft">Theory: ${escape(predicted)}.</span>` : "",
    ].filter((line) => line !== "");
    const lines = [`<b>Steps to target:</b> ${escape(fastest)}.`, ...rest];
    return [escape(groupTitle(group, usualBatch(given, group))), lines.join("<br>")];
  });
  return table(["problem", "what was measured"], rows);
}

function shared({ method, rows, sensitivity, metrics }: Summary): string[] {
  return [
    escape(method.title),
    rate(rows[0]?.learningRate, sensitivity?.edge ?? null),
    interval(metrics.stepsToTarget),
  ];
}

const within = ({ sensitivity: s }: Summary) => [
  factor(s?.within10, s?.open10 ?? false),
  factor(s?.within2x, s?.open2x ?? false),
];

function theoryTable({ summaries }: Group): string {
  return table(
    [
      "method",
      "rate",
      "steps",
      "predicted steps",
      "at step",
      "predicted risk",
      "measured risk, 95 %",
      "inside",
      "final risk",
      "within 10 %",
      "within 2×",
    ],
    summaries.map((summary) => {
      const { prediction: p, metrics } = summary;
      return [
        ...shared(summary),
        ...(p
          ? [
            p.stepsToTarget === null ? "not within run" : String(p.stepsToTarget),
            String(p.step),
            number(p.risk),
            interval(p.interval),
            p.inside ? '<span class="yes">yes</span>' : '<span class="no">no</span>',
          ]
          : ["", "", "", "", ""]),
        interval(metrics.finalTrainLoss),
        ...within(summary),
      ];
    }),
  );
}

function networkTable({ summaries }: Group): string {
  return table(
    [
      "method",
      "rate",
      "steps",
      "examples",
      "seconds",
      "final train",
      "final test",
      "best test",
      "lost since",
      "within 10 %",
      "within 2×",
    ],
    summaries.map((summary) => {
      const { metrics } = summary;
      return [
        ...shared(summary),
        interval(metrics.examplesToTarget),
        interval(metrics.secondsToTarget),
        interval(metrics.finalTrainLoss),
        interval(metrics.finalTestLoss),
        interval(metrics.bestTestLoss),
        interval(metrics.lostSinceBest),
        ...within(summary),
      ];
    }),
  );
}

/** All numbers of a group. */
export function groupTable(group: Group): string {
  return group.problem.kind === "theory" ? theoryTable(group) : networkTable(group);
}
