/** @module */
import {
  type Compared,
  type Comparison,
  comparisonsOf,
  type Place,
  placeKey,
  type Recorded,
} from "../comparison.ts";
import { methodNamed } from "../methods.ts";
import type { TimedRow } from "../overhead/rows.ts";
import type { Problem, ProblemSet, Selection } from "../problems/problem.ts";
import type { Results } from "../rows.ts";
import { type Group, groupsOf } from "../summary.ts";

/** What a report is made of. */
export interface Material {
  readonly results: Pick<Results, "rows" | "sensitivity">;
  readonly problems: readonly Problem[];
  readonly groups: readonly Group[];
  /** Where the rows come from, a paragraph each. */
  readonly sources: readonly Source[];
  /** Updates that were timed by themselves. */
  readonly overhead: readonly TimedRow[];
  readonly interrupted: boolean;
}

/** A file of rows, or a run. */
export interface Source {
  readonly command: string;
  /** What the file says of its rows. */
  readonly note?: string;
}

/** Puts a report's material together. */
export function material(
  parts: Omit<Material, "groups" | "interrupted"> & { readonly interrupted?: boolean },
): Material {
  const groups = groupsOf(parts.results, parts.problems);
  return { interrupted: false, ...parts, groups };
}

/** Networks as they are usually trained; small or noisy data; where theory predicts the outcome. */
export const setTitles: Readonly<Record<ProblemSet, string>> = {
  standard: "Standard networks",
  practical: "Little or noisy data",
  theory: "Where theory predicts the outcome",
  yours: "Your own",
};

/** The sets in their order: what a reader brought, what is usual, what is hard, what is known. */
export const sets: readonly ProblemSet[] = ["yours", "standard", "practical", "theory"];

/** The group as a place of comparisons. */
export function placeOf({ problem, backend, selection }: Group): Place {
  return { problem: problem.name, backend, batchSize: problem.batchSize, selection };
}

/** The batch size that a group's problem has by itself. */
export function usualBatch({ problems }: Material, { problem }: Group): number | undefined {
  return problems.find(({ name }) => name === problem.name)?.batchSize;
}

/** The rows of some groups, and all tuning runs: a method that diverged at every rate has no rows. */
export function recordedIn({ results }: Material, groups: readonly Group[]): Recorded {
  const own = new Set(groups.flatMap(({ summaries }) => summaries.flatMap(({ rows }) => rows)));
  return { rows: results.rows.filter((row) => own.has(row)), sensitivity: results.sensitivity };
}

/** What rates were chosen for, where they were chosen twice. */
const moments: Readonly<Record<Selection, string>> = {
  stepsToTarget: "the target",
  finalTrainLoss: "the end",
  bestValidation: "the best moment",
  finalValidation: "the end",
};

/** A problem's name with what tells its groups apart; without the batch size if it is the usual one. */
export function groupTitle({ problem, backend, selection }: Group, usual?: number): string {
  return [
    problem.title,
    ...(problem.kind === "network" ? [backend] : []),
    ...(problem.batchSize === usual ? [] : [`B = ${problem.batchSize}`]),
    ...(problem.selections.length > 1 ? [`for ${moments[selection]}`] : []),
  ].join(" · ");
}

/** What a place is called in addresses. */
export function slug(place: Place): string {
  return placeKey(place).replaceAll(/[^A-Za-z0-9-]+/g, "-");
}

/** A comparison of groups that stand side by side. */
export interface Contest {
  readonly title: string;
  /** The method that all are compared with. */
  readonly rival: string;
  readonly compared: Compared;
  readonly groups: readonly Group[];
  readonly comparisons: readonly Comparison[];
}

/** What decides in a set: how soon the target is reached, or what is left on test data. */
const decides: Readonly<Record<ProblemSet, Compared>> = {
  standard: "examplesToTarget",
  practical: "finalTestLoss",
  theory: "examplesToTarget",
  yours: "finalTestLoss",
};

/** What is compared, for people. */
export const comparedTitles: Readonly<Record<Compared, string>> = {
  examplesToTarget: "examples to the target",
  stepsToTarget: "steps to the target",
  secondsToTarget: "seconds to the target",
  finalTrainLoss: "training loss at the end",
  finalTestLoss: "test loss at the end",
  bestTestLoss: "test loss at its best moment",
  finalAgainstBest: "test loss at the end, against its best moment",
};

/**
 * The groups of a set at each problem's own batch size, by backend; of the rates that were chosen
 * twice, those chosen by the end of training.
 */
export function fieldOf(given: Material, set: ProblemSet): Map<string, Group[]> {
  const field = given.groups.filter((group) =>
    group.problem.set === set && group.problem.batchSize === usualBatch(given, group) &&
    group.selection !== "bestValidation"
  );
  return Map.groupBy(field, ({ backend }) => backend);
}

/** What a set is called on a backend; theory runs on one alone. */
export function titleOf(set: ProblemSet, backend: string): string {
  return set === "theory" ? setTitles[set] : `${setTitles[set]}, ${backend}`;
}

/** The host's Adam, tuned like every other method. */
export const tunedRival = "adam";

/** A method by which others are measured, for people. */
export function rivalTitle(rival: string): string {
  return rival === tunedRival ? "tuned Adam" : methodNamed(rival).title;
}

/** One contest for each set and backend; of `compared`, or of what decides in the set. */
export function contestsOf(
  given: Material,
  set: ProblemSet,
  compared: Compared = decides[set],
  rival: string = tunedRival,
): Contest[] {
  return [...fieldOf(given, set)].map(([backend, groups]) => {
    const comparisons = comparisonsOf(recordedIn(given, groups), { compared, rival });
    return { title: titleOf(set, backend), rival, compared, groups, comparisons };
  }).filter(({ comparisons }) => comparisons.length > 0);
}
