/**
 * The sections of what methods need: profiles over problems, batch sizes, the time of an update.
 *
 * @module
 */
import { number } from "../format.ts";
import { type Method, methodNamed, methods } from "../methods.ts";
import { type Cost, profilesOf } from "../profiles.ts";
import { card, figure, legend, rowsLinks } from "./figures.ts";
import { fieldOf, type Material, recordedIn, sets, titleOf } from "./material.ts";
import { overheadChart, shownOverhead } from "./overhead_chart.ts";
import type { Part, Section } from "./page.ts";
import { profileChart } from "./profile_chart.ts";
import { scalingChart, scalings } from "./scaling_chart.ts";
import { escape } from "./tables.ts";

/** How often a method is within a factor of the best. */
export async function profiles(given: Material): Promise<Section[]> {
  const parts: Part[] = [];
  for (const set of sets) {
    for (const [backend, groups] of fieldOf(given, set)) {
      const recorded = recordedIn(given, groups);
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
export async function scaling(given: Material): Promise<Section[]> {
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
export async function overhead(given: Material): Promise<Section[]> {
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
