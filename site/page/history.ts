import type { ContenderName } from "../training/lineup.ts";
import type { View } from "../training/messages.ts";
import type { Score } from "../training/run.ts";

/** What was seen of a contender at one step. */
export interface Point {
  readonly step: number;
  readonly train: Score;
  readonly test: Score;
  readonly noiseScale?: number;
}

/** What was seen of a contender so far. */
export interface History {
  readonly name: ContenderName;
  readonly label: string;
  rate: number;
  readonly points: Point[];
  /** The newest decisions and maps. */
  view?: View;
}

/** The least test loss so far. */
export function bestTest({ points }: History): number {
  return Math.min(...points.map(({ test }) => test.loss));
}

/** The newest point. */
export function last({ points }: History): Point | undefined {
  return points.at(-1);
}
