/** @module */
import type { Compared } from "../comparison.ts";
import { number } from "../format.ts";
import { type Method, methodNamed, methods } from "../methods.ts";
import { type Cost, profilesOf } from "../profiles.ts";
import type { ProblemSet } from "../problems/problem.ts";
import { intervalName } from "../statistics.ts";
import { figure, legend, rowsLinks } from "./figures.ts";
import { forestChart } from "./forest_chart.ts";
import {
  type Contest,
  contestsOf,
  fieldOf,
  type Material,
  rivalTitle,
  setTitles,
  titleOf,
  tunedRival,
} from "./material.ts";
import { overheadChart, shownOverhead } from "./overhead_chart.ts";
import { overviewKey, overviewTable, subject } from "./overview.ts";
import { page, type Part, type Section } from "./page.ts";
import { problemCard } from "./problem_card.ts";
import { profileChart } from "./profile_chart.ts";
import { scalingChart, scalings } from "./scaling_chart.ts";
import { escape, verdicts } from "./tables.ts";

const sets: readonly ProblemSet[] = ["yours", "standard", "practical", "theory"];
const isUsable = (name: string) => !methodNamed(name).oracle;

const card = (id: string, title: string, body: string): Part => ({
  id,
  title,
  html: `<div class="card" id="${id}">${body}</div>`,
});

/** The first chart: where each method is better or worse. */
function overview(given: Material): Section {
  const parts = sets.flatMap((set) =>
    contestsOf(given, set).map((contest, i) =>
      card(`o-${set}-${i}`, contest.title, overviewTable(contest, isUsable))
    )
  );
  return {
    id: "overview",
    title: "Better or worse than tuned Adam",
    body: overviewKey,
    parts,
  };
}

/** The optimizers that one would use without options: ours, and the host's at its own rates. */
const untuned = methods.filter(({ shipped, family }) =>
  shipped && ["ours", "host"].includes(family)
);

/** What is compared, in the navigation. */
const briefly: Readonly<Partial<Record<Compared, string>>> = {
  examplesToTarget: "examples",
  finalTestLoss: "test loss",
  finalAgainstBest: "test loss, best moment",
};

async function noOptionsPart(contest: Contest, i: number): Promise<Part> {
  const ran = new Set(contest.comparisons.map(({ method }) => method));
  const taking = untuned.filter(({ name }) => ran.has(name));
  const title = `${contest.title}: ${subject(contest)}`;
  const chart = figure(
    await forestChart(contest, taking.map(({ name }) => name)),
    "Dots: the typical effect over seeds; lines: its 95 % interval; the upright line: no difference.",
    rowsLinks(contest.groups),
  );
  const names = new Set(taking.map(({ name }) => name));
  const rival = contest.rival === tunedRival ? "" : `, against ${rivalTitle(contest.rival)}`;
  return card(
    `n-${i}`,
    `${contest.title}: ${briefly[contest.compared]}${rival}`,
    `<h3>${escape(title)}</h3>${legend(taking)}<div class="beside">${chart}${
      overviewTable(contest, (name) => names.has(name), false)
    }</div>`,
  );
}

/** What people use: no options, against the host's Adam, tuned and as it comes. */
async function noOptions(given: Material): Promise<Section[]> {
  const contests = [
    ...contestsOf(given, "standard"),
    ...contestsOf(given, "standard", undefined, "adam-default"),
    ...contestsOf(given, "standard", "finalTestLoss"),
    ...contestsOf(given, "practical"),
    ...contestsOf(given, "practical", undefined, "adam-default"),
    ...contestsOf(given, "practical", "finalAgainstBest"),
  ].filter(({ comparisons }) =>
    untuned.some(({ name }) => comparisons.some(({ method }) => method === name))
  );
  if (contests.length === 0) return [];
  const parts: Part[] = [];
  for (const [i, contest] of contests.entries()) parts.push(await noOptionsPart(contest, i));
  return [{
    id: "no-options",
    title: "No options",
    body: `<p>What is shipped, as it is: no option given and nothing tuned, against an Adam whose
learning rate was chosen among several for each problem, and, where it ran, against Adam at the rate that it
comes with. The first is a handicap, and the one that people who do not tune have.</p>`,
    parts,
  }];
}

/** How often a method is within a factor of the best. */
async function profiles(given: Material): Promise<Section[]> {
  const parts: Part[] = [];
  for (const set of sets) {
    for (const [backend, groups] of fieldOf(given, set)) {
      const own = new Set(groups.flatMap(({ summaries }) => summaries.flatMap(({ rows }) => rows)));
      const recorded = {
        rows: given.results.rows.filter((row) => own.has(row)),
        sensitivity: given.results.sensitivity,
      };
      const among = methods.filter(({ oracle }) => !oracle).map(({ name }) => name);
      const costs: readonly Cost[] = ["examplesToTarget", "secondsToTarget"];
      const found = costs.map((cost) => profilesOf(recorded, { cost, among }));
      const [first] = found;
      if (!first || first.profiles.length < 2) continue;
      const title = titleOf(set, backend);
      const figures: string[] = [];
      for (const each of found) {
        figures.push(figure(
          await profileChart(each, title),
          "The left end: how often a method is best. Higher is better.",
          rowsLinks(groups),
        ));
      }
      const left = first.leftOut.length > 0
        ? `<p class="soft">Not in every race, and so left out: ${
          first.leftOut.map((name) => escape(methodNamed(name).title)).join(", ")
        }.</p>`
        : "";
      const taking = first.profiles.map(({ method }) => methodNamed(method));
      parts.push(card(
        `f-${set}-${backend}`,
        title,
        `<h3>${escape(title)}</h3><p class="about">${first.races} races: ${groups.length} problem${
          groups.length === 1 ? "" : "s"
        }, each seed one.</p>${legend(taking)}<div class="charts">${figures.join("")}</div>${left}`,
      ));
    }
  }
  if (parts.length === 0) return [];
  return [{
    id: "profiles",
    title: "How far from the best",
    body:
      `<p>For every factor the share of races (a problem and a seed) in which a method needed at most
that many times the examples, or the seconds, of the best one. A line that stays low did not reach the
target.</p>`,
    parts,
  }];
}

/** What larger batches buy. */
async function scaling(given: Material): Promise<Section[]> {
  const families = scalings(given.groups);
  if (families.length === 0) return [];
  const figures: string[] = [];
  const taking = new Set<Method>();
  for (const family of families) {
    for (const { summaries } of family) for (const { method } of summaries) taking.add(method);
    const { problem, backend } = family[0]!;
    figures.push(figure(
      await scalingChart(family),
      `${problem.title}, on ${backend}: examples to the target; flat where larger batches cost nothing.`,
      rowsLinks(family),
    ));
  }
  const all = methods.filter((method) => taking.has(method) && !method.oracle);
  return [{
    id: "batch-size",
    title: "Batch size",
    body: `<div class="card">${legend(all)}<div class="charts">${figures.join("")}</div></div>`,
  }];
}

/** What an update costs. */
async function overhead(given: Material): Promise<Section[]> {
  const rows = shownOverhead(given.overhead);
  if (rows.length === 0) return [];
  const places = Map.groupBy(rows, ({ backend, runtime }) => `${backend}, ${runtime}`);
  const figures: string[] = [];
  for (const [place, own] of places) {
    figures.push(figure(
      await overheadChart(own, place),
      `${place}${own[0]!.gpu ? `, ${own[0]!.gpu}` : ""}.`,
      `<a href="#overhead-rows">Rows</a>`,
    ));
  }
  const table = rows.map((row) =>
    `<tr>${
      [
        row.backend,
        row.runtime,
        row.method,
        number(row.ours_ms),
        number(row.baseline_ms),
        `${number(row.baseline_ms / row.ours_ms)}×`,
        String(row.samples),
      ].map((text) => `<td>${escape(text)}</td>`).join("")
    }</tr>`
  ).join("");
  const head = ["backend", "runtime", "method", "ms", "tf.train.adam, ms", "as fast", "samples"];
  return [{
    id: "overhead",
    title: "What an update costs",
    body:
      `<div class="card"><p class="about">Milliseconds of the update alone, a million parameters in
one variable, medians. “combined” is the chain of signalNewton(): T, H⁻¹ and momentum in one pass.</p>
<div class="charts">${figures.join("")}</div>
<details class="rows" id="overhead-rows"><summary>All ${rows.length} rows</summary><div class="scroll"
tabindex="0" role="region" aria-label="Rows of updates"><table data-name="overhead"><thead><tr>${
        head.map((text) => `<th scope="col">${text}</th>`).join("")
      }</tr></thead><tbody>${table}</tbody></table></div>
<button class="csv" type="button" hidden>Download as CSV</button></details></div>`,
  }];
}

/** Every problem by itself. */
async function problems(given: Material): Promise<Section[]> {
  const about: Readonly<Record<ProblemSet, string>> = {
    yours: "What was brought, compared as everything else.",
    standard: "Networks, with the learning rate of each method chosen by the training loss.",
    practical:
      `Small, noisy data. Shown twice: with learning rates tuned for the best moment of a run, as
with an oracle for early stopping, and for the end of training.`,
    theory:
      `Quadratic problems whose curvature and noise are known exactly. Each seed simulates an ensemble
of independent replicas on stochastic gradients; the prediction comes from a recursion without any
simulation. Methods called oracle are told the true signal fraction T, which no training run can know;
the same methods without that word estimate T from the gradients they see.`,
  };
  const sections: Section[] = [];
  for (const set of sets) {
    const own = given.groups.filter(({ problem }) => problem.set === set);
    if (own.length === 0) continue;
    const parts: Part[] = [];
    for (const group of own) {
      const usual = given.problems.find(({ name }) => name === group.problem.name);
      parts.push(await problemCard(group, usual?.batchSize));
    }
    sections.push({
      id: `set-${set}`,
      title: setTitles[set],
      body: `<p>${about[set]}</p>`,
      parts,
    });
  }
  return sections;
}

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

function words(given: Material): Section {
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
reached is “–”, or “∞” for some of the seeds.</p><div class="card words">${verdicts(groups)}${
      edges
        ? '<p class="soft">▲▼ in the tables of numbers: the chosen learning rate is the largest or smallest tried; a better one may lie outside.</p>'
        : ""
    }</div>`,
  };
}

function how(given: Material): Section {
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

/** The report: one file with everything in it. */
export async function html(given: Material): Promise<string> {
  const lead =
    `<p class="lead">Optimizers that use curvature, the signal-to-noise ratio of gradients, or
both, beside Adam with a tuned learning rate. Tap or point at anything for its numbers.</p>${
      given.interrupted ? '<p class="card warn">Interrupted: only finished rows are shown.</p>' : ""
    }`;
  return page("What do curvature and signal-to-noise buy?", lead, [
    overview(given),
    ...await noOptions(given),
    ...await profiles(given),
    ...await scaling(given),
    ...await problems(given),
    ...await overhead(given),
    words(given),
    how(given),
  ]);
}
