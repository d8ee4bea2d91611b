/** @module */
import type { Outcome, Point, Target } from "./problem.ts";

/** About `count` different steps from 0 to `last`, closer together at the start. */
export function checkpoints(last: number, count: number): ReadonlySet<number> {
  const steps = new Set([0, last]);
  for (let i = 0; i <= count; i++) steps.add(Math.round(Math.expm1(Math.log1p(last) * i / count)));
  return steps;
}

/** The last step of a run, and every how many steps losses are measured. */
export function lengthOf(
  { steps, every }: { readonly steps: number; readonly every: number },
  asked: number | undefined,
): { readonly steps: number; readonly every: number } {
  if (asked === undefined || asked >= steps) return { steps, every };
  return { steps: asked, every: Math.min(every, Math.ceil(asked / 2)) };
}

/** Collects the points of a run and notices the target and divergence. */
export interface Recorder {
  /** Looks at the losses after `point.step` steps; keeps the point unless told not to. */
  see(point: Point, seconds: number, keep?: boolean): void;
  readonly diverged: boolean;
  /** What the run came to; `examples` says how many examples a number of steps has used. */
  outcome(examples: (steps: number) => number): Outcome;
}

/** A recorder of one run. */
export function record(target: Target): Recorder {
  const points: Point[] = [];
  let reached: { steps: number; seconds: number } | undefined;
  let diverged = false;
  let first: number | undefined;
  return {
    see(point, seconds, keep = true) {
      first ??= point.trainLoss;
      const loss = point[target.metric];
      // Without test data (in a tuning run) a target on it is not looked for.
      if (loss !== undefined && loss <= target.value) reached ??= { steps: point.step, seconds };
      if (!(point.trainLoss <= 1e3 * first)) diverged = true;
      if (keep || diverged) points.push(point);
    },
    get diverged() {
      return diverged;
    },
    outcome: (examples) => ({
      curve: points,
      stepsToTarget: reached?.steps ?? null,
      examplesToTarget: reached ? examples(reached.steps) : null,
      secondsToTarget: reached?.seconds ?? null,
      diverged,
    }),
  };
}
