/**
 * The sections in words: verdicts, and how all of it was measured.
 *
 * @module
 */
import { intervalName } from "../statistics.ts";
import type { Material } from "./material.ts";
import type { Section } from "./page.ts";
import { escape, verdicts } from "./tables.ts";

function facts({ results: { rows }, sources }: Material): string {
  const distinct = (values: readonly string[]) => [...new Set(values)].map(escape).join("<br>");
  const entries = [
    [
      "Commands",
      sources.map(({ command, note }) =>
        `<code>${escape(command)}</code>${note ? ` <span class="soft">${escape(note)}</span>` : ""}`
      ).join("<br>"),
    ],
    ["Rows", String(rows.length)],
    [
      "Seeds",
      `${distinct(rows.map((row) => String(row.seed))).replaceAll("<br>", ", ")}; 
learning rates chosen on seed 0`,
    ],
    [
      "Devices",
      distinct(
        rows.map(({ device: { cpu, cores, os, gpu } }) =>
          `${cpu}, ${cores} cores, ${os}${gpu ? `, ${gpu}` : ""}`
        ),
      ),
    ],
    [
      "Versions",
      distinct(
        rows.map(({ versions: { precond, tfjs, deno } }) =>
          `precond ${precond}, tfjs ${tfjs}, Deno ${deno}`
        ),
      ),
    ],
    [
      "Commits",
      distinct(
        rows.map(({ commit, dirty }) => `${commit ?? "none"}${dirty ? " and changes on top" : ""}`),
      ),
    ],
  ];
  return `<dl>${entries.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join("")}</dl>`;
}

/** Who won where. */
export function words(given: Material): Section {
  const { groups, results: { rows } } = given;
  const seeds = new Set(rows.map((row) => row.seed)).size;
  const edges = groups.some((g) => g.summaries.some((s) => s.sensitivity?.edge));
  return {
    id: "words",
    title: "In words",
    body: `<p>Numbers are medians over ${seeds} seeds [${
      intervalName(seeds)
    }]. Where intervals overlap it
is called a tie here; the charts above compare seed by seed, which tells more apart. A target that was not
reached is “–”, or “∞” for some of the seeds.</p><div class="card words">${verdicts(given)}${
      edges
        ? '<p class="soft">▲▼ in the tables of numbers: the chosen learning rate is the largest or smallest tried; a better one may lie outside.</p>'
        : ""
    }</div>`,
  };
}

/** The protocol in short, and where the rows are from. */
export function how(given: Material): Section {
  return {
    id: "how",
    title: "How it was measured",
    body:
      `<p>An optimizer can stretch each component of a gradient for two reasons: because the loss is
curved (H⁻¹), or because some components are mostly noise (T, the signal fraction). Measured are neither,
one, the other and both. Every method got the same number of tuning runs, on a seed of its own and never on
test data, and then ran on fresh seeds. A method is compared with Adam on the same seed: the number is the
typical ratio or difference over seeds (Hodges-Lehmann), the interval its 95 % bootstrap. With five seeds one
of eight comparisons of two equal methods is called better or worse by chance, with three one of four: what
holds on several problems counts for more.</p><div class="card">${facts(given)}</div>`,
  };
}
