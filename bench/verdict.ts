/** @module */
import { number } from "./format.ts";
import type { Group, Metric, Summary } from "./summary.ts";
import { overlap } from "./statistics.ts";

/** Who came out best in one number. */
export interface Verdict {
  /** Best first; more than one if the intervals of the others overlap the best one's. */
  readonly winners: readonly Summary[];
  /** The best one that is not a winner. */
  readonly next: Summary | undefined;
}

/** Ranks methods by a metric; none wins if none has the number. */
export function verdict(summaries: readonly Summary[], metric: Metric): Verdict {
  const ranked = summaries
    .filter((s) => Number.isFinite(s.metrics[metric]?.middle ?? Infinity))
    .sort((a, b) => a.metrics[metric]!.middle - b.metrics[metric]!.middle);
  const best = ranked[0]?.metrics[metric];
  const winners = ranked.filter((s) => overlap(s.metrics[metric]!, best!));
  return { winners, next: ranked.find((s) => !winners.includes(s)) };
}

const value = (summary: Summary, metric: Metric) => number(summary.metrics[metric]?.middle);

/** A verdict in words. */
export function words({ winners, next }: Verdict, metric: Metric, nobody: string): string {
  const [best] = winners;
  if (!best) return nobody;
  const named = (s: Summary) => `${s.method.title} (${value(s, metric)})`;
  const after = next ? `; next: ${named(next)}` : "";
  if (!next && winners.length > 3) {
    return `no difference to speak of: ${winners.length} methods tie, from ${named(best)} to ${
      named(winners.at(-1)!)
    }`;
  }
  if (winners.length === 1) return `${named(best)} wins${after}`;
  return `tie of ${winners.map(named).join(", ")}${after}`;
}

/** What a group says in words: fastest, lowest test loss, and what theory has to say. */
export interface Conclusion {
  readonly fastest: string;
  readonly lowest: string | undefined;
  readonly lost: string | undefined;
  readonly oracle: string | undefined;
  readonly predicted: string | undefined;
}

/** Concludes from a group; oracles are ranked apart, as nobody can use them. */
export function conclude({ problem, summaries }: Group): Conclusion {
  const usable = summaries.filter((s) => !s.method.oracle);
  const oracles = summaries.filter((s) => s.method.oracle);
  const say = (list: readonly Summary[], metric: Metric, nobody: string) =>
    words(verdict(list, metric), metric, nobody);
  const predictions = summaries.flatMap((s) => s.prediction ? [s] : []);
  const inside = predictions.filter((s) => s.prediction!.inside);
  const outside = predictions.filter((s) => !s.prediction!.inside).map((s) => s.method.title);
  return {
    fastest: say(usable, "stepsToTarget", "no method reached the target"),
    lowest: problem.kind === "network"
      ? say(usable, "finalTestLoss", "every method diverged")
      : undefined,
    lost: problem.noisyData ? say(usable, "lostSinceBest", "every method diverged") : undefined,
    oracle: oracles.length > 0
      ? say(oracles, "stepsToTarget", "no oracle reached the target")
      : undefined,
    predicted: predictions.length > 0
      ? `${inside.length} of ${predictions.length} predictions inside the measured 95 % interval` +
        (outside.length > 0 ? ` (outside: ${outside.join(", ")})` : "")
      : undefined,
  };
}
