/** @module */
import { overviewOf } from "../comparison.ts";
import { markdownTable } from "../format.ts";
import { methodNamed } from "../methods.ts";
import { conclude } from "../verdict.ts";
import {
  type Contest,
  contestsOf,
  groupTitle,
  type Material,
  placeOf,
  sets,
  usualBatch,
} from "./material.ts";
import { effectWords, subject } from "./effect_words.ts";
import { symbols } from "./overview.ts";

/** A matrix of the report, as a table. */
export function contestTable(contest: Contest): string {
  const usable = contest.comparisons.filter(({ method }) => !methodNamed(method).oracle);
  const { methods, cell } = overviewOf(usable);
  return markdownTable(
    ["", ...contest.groups.map(({ problem }) => problem.title)],
    methods.map((method) => [
      methodNamed(method).title,
      ...contest.groups.map((group) => {
        const found = cell(method, placeOf(group));
        if (!found) return "";
        const { main, rest } = effectWords(found);
        return `${symbols[found.finding]} ${main}${rest ? ` (${rest})` : ""}`;
      }),
    ]),
  );
}

/** What wins where: the report in short, for Markdown. */
export function markdown(given: Material): string {
  const contests = sets.flatMap((set) => contestsOf(given, set));
  const tables = contests.map((contest) =>
    `## ${contest.title}\n\n${subject(contest)}:\n\n${contestTable(contest)}`
  );
  const words = given.groups.map((group) => {
    const { fastest, lowest, predicted } = conclude(group);
    return `- **${groupTitle(group, usualBatch(given, group))}.** Steps to target: ${fastest}.` +
      `${lowest ? ` Final test loss: ${lowest}.` : ""}${predicted ? ` Theory: ${predicted}.` : ""}`;
  });
  const seeds = new Set(given.results.rows.map(({ seed }) => seed)).size;
  return [
    "# What do curvature and signal-to-noise buy?",
    `${given.results.rows.length} runs over up to ${seeds} seeds. ▲ better, ▼ worse, ○ no difference ` +
    "that the seeds can tell, – neither reached the target; the typical ratio or difference over " +
    "seeds, with its 95 % interval.",
    ...tables,
    "## In words",
    words.join("\n"),
    `Rows: ${given.sources.map(({ command }) => `\`${command}\``).join(", ")}`,
  ].join("\n\n") + "\n";
}
