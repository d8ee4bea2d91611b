/** @module */
import type { ProblemSet } from "../problems/problem.ts";
import { noOptions, overview } from "./contests.ts";
import { overhead, profiles, scaling } from "./costs.ts";
import { type Material, sets, setTitles, usualBatch } from "./material.ts";
import { page, type Part, type Section } from "./page.ts";
import { problemCard } from "./problem_card.ts";
import { how, words } from "./words.ts";

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
    for (const group of own) parts.push(await problemCard(group, usualBatch(given, group)));
    sections.push({
      id: `set-${set}`,
      title: setTitles[set],
      body: `<p>${about[set]}</p>`,
      parts,
    });
  }
  return sections;
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
