/** @module */
import type { Outcome, Selection } from "./problems/problem.ts";

/** The rates tried for one method: `count` of them, `ratio` apart, around the centre. */
export interface GridOptions {
  readonly count: number;
  readonly ratio: number;
}

/** A grid of learning rates, from small to large. */
export function grid(centre: number, { count, ratio }: GridOptions): number[] {
  return Array.from({ length: count }, (_, i) => centre * ratio ** (i - (count - 1) / 2));
}

const smallest = (values: readonly (number | undefined)[]) =>
  Math.min(...values.map((v) => v === undefined || Number.isNaN(v) ? Infinity : v));

/**
 * What a learning rate is judged by: smaller is better, Infinity if it diverged.
 *
 * Steps to the target count only if the run has not left it again, by a factor of 2, at its end:
 * an unstable run may cross any target once. Otherwise a run counts as
 * `steps × final loss / target`, so that not reaching it is worse the further away it ends.
 */
export function score(
  outcome: Outcome,
  selection: Selection,
  options: { readonly steps: number; readonly target: number },
): number {
  const last = outcome.curve.at(-1);
  if (!last || outcome.diverged) return Infinity;
  switch (selection) {
    case "stepsToTarget": {
      const distance = last.trainLoss / options.target;
      const { stepsToTarget } = outcome;
      return stepsToTarget !== null && distance <= 2
        ? stepsToTarget
        : options.steps * Math.max(1, distance);
    }
    case "finalTrainLoss":
      return smallest([last.trainLoss]);
    case "finalValidation":
      return smallest([last.validationLoss]);
    case "bestValidation":
      return smallest(outcome.curve.map((point) => point.validationLoss));
  }
}

/** The choice among a grid. */
export interface Choice {
  readonly index: number;
  /** The best rate is the smallest or largest tried, so that a better one may lie outside. */
  readonly edge: "low" | "high" | null;
}

/** The rate with the best score, the smaller one among equals; none if every run diverged. */
export function choose(scores: readonly number[]): Choice | undefined {
  let index = -1;
  scores.forEach((value, i) => {
    if (value < (index < 0 ? Infinity : scores[index]!)) index = i;
  });
  if (index < 0) return undefined;
  const edge = scores.length < 2
    ? null
    : index === 0
    ? "low"
    : index === scores.length - 1
    ? "high"
    : null;
  return { index, edge };
}

/** How far the learning rate may be off. */
export interface Tolerance {
  /** Largest over smallest rate whose score is within `factor` of the best. */
  readonly range: number;
  /** The range runs into the end of the grid: it is at least this large. */
  readonly open: boolean;
}

/**
 * The factor range of rates around the best one whose score stays within `factor` of the best,
 * interpolated in the logarithms between the rates tried.
 */
export function tolerance(
  rates: readonly number[],
  scores: readonly number[],
  factor: number,
): Tolerance | undefined {
  const choice = choose(scores);
  if (!choice) return undefined;
  const limit = scores[choice.index]! * factor;
  let open = false;
  const reach = (direction: 1 | -1): number => {
    let i = choice.index;
    while (scores[i + direction] !== undefined && scores[i + direction]! <= limit) i += direction;
    const next = scores[i + direction];
    if (next === undefined) {
      open = true;
      return rates[i]!;
    }
    const inside = Math.max(scores[i]!, Number.MIN_VALUE);
    const part = next === Infinity ? 0 : Math.log(limit / inside) / Math.log(next / inside);
    return rates[i]! * (rates[i + direction]! / rates[i]!) ** part;
  };
  const range = reach(1) / reach(-1);
  return { range, open };
}
