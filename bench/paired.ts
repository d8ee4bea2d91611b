/**
 * The statistics of paired differences: what one method had minus what another had on the same seed.
 *
 * A difference may be ±Infinity, where one of the two never reached what was measured, and is 0
 * where neither did. So nothing here averages more than two values, and an infinite one counts as
 * one vote, however far off.
 *
 * @module
 */
import { random } from "./random.ts";
import type { Interval } from "./statistics.ts";

/** The middle of two differences; a win and a loss beyond measure cancel. */
function between(a: number, b: number): number {
  const middle = (a + b) / 2;
  return Number.isNaN(middle) ? 0 : middle;
}

/** The median of values in order. */
function middleOf(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : between(sorted[half - 1]!, sorted[half]!);
}

const ascending = (a: number, b: number) => a < b ? -1 : a > b ? 1 : 0;

/**
 * The typical difference: the median of the averages of all pairs of seeds, each with itself
 * included (Hodges and Lehmann, 1963). One seed that scatters moves it less than it moves a mean,
 * and more seeds count than the one in the middle.
 */
export function typical(differences: readonly number[]): number {
  if (differences.length === 0) {
    throw new RangeError("Cannot compare methods: there is no seed that both have run");
  }
  return middleOf(
    differences.flatMap((a, i) => differences.slice(i).map((b) => between(a, b))).sort(ascending),
  );
}

/** A resample of the seeds, and how likely it is. */
interface Resample {
  readonly value: number;
  readonly probability: number;
}

/** Up to so many differences all resamples are listed, beyond it some are drawn. */
const listed = 6;

/** Draws where not all are listed. */
const draws = 1000;

function allResamples(differences: readonly number[]): Resample[] {
  const n = differences.length;
  const found: Resample[] = [];
  // n! / Π kᵢ! of the nⁿ equally likely draws have kᵢ copies of the i-th value.
  const visit = (from: number, chosen: number[], probability: number) => {
    if (chosen.length === n) {
      found.push({ value: typical(chosen), probability });
      return;
    }
    if (from === n) return;
    const left = n - chosen.length;
    let ways = 1;
    for (let copies = 0; copies <= left; copies++) {
      if (copies > 0) ways *= (left - copies + 1) / copies;
      const more = Array.from({ length: copies }, () => differences[from]!);
      visit(from + 1, [...chosen, ...more], probability * ways / n ** copies);
    }
  };
  visit(0, [], 1);
  return found;
}

function drawnResamples(differences: readonly number[]): Resample[] {
  const n = differences.length;
  const draw = random("paired", n);
  return Array.from({ length: draws }, () => ({
    value: typical(differences.map(() => differences[draw.integer(n)]!)),
    probability: 1 / draws,
  }));
}

/**
 * The typical difference with its 95 % bootstrap interval over seeds: what it would be had the seeds
 * been drawn again from those there are, without the 2.5 % at either end. Up to 6 seeds all such
 * draws are counted, from 7 on a thousand are made by a generator that is the same every time.
 *
 * Few seeds make a bold interval: it leaves 0 out where all seeds agree, or all but one that is the
 * least different, so that of two equal methods one is called better in 1 of 4 comparisons over 3
 * seeds and 1 of 8 over 5.
 */
export function pairedInterval(differences: readonly number[]): Interval {
  const middle = typical(differences);
  const resamples = differences.length <= listed
    ? allResamples(differences)
    : drawnResamples(differences);
  resamples.sort((a, b) => ascending(a.value, b.value));
  const end = (from: readonly Resample[]) => {
    let passed = 0;
    // The last term is for sums that rounding leaves short of 1.
    return (from.find(({ probability }) => (passed += probability) > 0.025 + 1e-9) ?? from.at(-1)!)
      .value;
  };
  return { middle, low: end(resamples), high: end(resamples.toReversed()) };
}
