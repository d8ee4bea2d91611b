/**
 * The sections that compare: all methods with tuned Adam, and what needs no options.
 *
 * @module
 */
import type { Compared } from "../comparison.ts";
import { methodNamed, methods } from "../methods.ts";
import { card, figure, legend, rowsLinks } from "./figures.ts";
import { forestChart } from "./forest_chart.ts";
import {
  type Contest,
  contestsOf,
  type Material,
  rivalTitle,
  sets,
  tunedRival,
} from "./material.ts";
import { subject } from "./effect_words.ts";
import { overviewKey, overviewTable } from "./overview.ts";
import type { Part, Section } from "./page.ts";
import { escape } from "./tables.ts";

const isUsable = (name: string) => !methodNamed(name).oracle;

/** The first chart: where each method is better or worse. */
export function overview(given: Material): Section {
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
export async function noOptions(given: Material): Promise<Section[]> {
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
