/** @module */
import { number } from "../format.ts";
import type { Row } from "../rows.ts";
import type { Group } from "../summary.ts";
import { placeOf, slug } from "./material.ts";
import { escape } from "./tables.ts";

const columns: readonly (readonly [title: string, value: (row: Row) => string])[] = [
  ["seed", (row) => String(row.seed)],
  ["learning rate", (row) => number(row.learningRate)],
  ["steps", (row) => number(row.stepsToTarget)],
  ["examples", (row) => number(row.examplesToTarget)],
  ["seconds", (row) => number(row.secondsToTarget)],
  ["final train", (row) => number(row.finalTrainLoss)],
  ["final test", (row) => number(row.finalTestLoss)],
  ["best test", (row) => number(row.bestTestLoss)],
  ["accuracy", (row) => number(row.finalTestAccuracy)],
  ["diverged", (row) => row.diverged ? "yes" : ""],
  ["commit", (row) => `${row.commit?.slice(0, 7) ?? "–"}${row.dirty ? "+" : ""}`],
];

/** Every run of a group; what all its figures are made of. */
export function rowsTable(group: Group): string {
  const rows = group.summaries.flatMap(({ method, rows }) => rows.map((row) => ({ method, row })));
  // Columns that say nothing here cost width on a phone.
  const shown = columns.filter(([, value]) =>
    rows.some(({ row }) => !["–", ""].includes(value(row)))
  );
  const head = ["method", ...shown.map(([title]) => title)];
  const body = rows.map(({ method, row }) =>
    `<tr><th scope="row">${escape(method.title)}</th>${
      shown.map(([, value]) => `<td>${escape(value(row))}</td>`).join("")
    }</tr>`
  );
  const id = slug(placeOf(group));
  return `<details class="rows" id="r-${id}"><summary>All ${rows.length} rows</summary>
<div class="scroll" tabindex="0" role="region" aria-label="Rows of ${escape(group.problem.title)}">
<table data-name="${id}"><thead><tr>${
    head.map((title) => `<th scope="col">${title}</th>`).join("")
  }</tr></thead><tbody>${body.join("\n")}</tbody></table></div>
<button class="csv" type="button" hidden>Download as CSV</button></details>`;
}
