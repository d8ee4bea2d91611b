/**
 * What networks reach for: losses that were fixed in advance, from the host's tuned Adam.
 *
 * @module
 */
import type { Selection, Target } from "./problem.ts";
import recorded from "./targets.json" with { type: "json" };

/** A target, and what it came from. */
export interface FixedTarget {
  readonly problem: string;
  readonly batchSize: number;
  readonly steps: number;
  readonly metric: Target["metric"];
  readonly value: number;
  /** How the value follows from the run, in words. */
  readonly rule: string;
  /** The run: on training and validation data alone. */
  readonly from: {
    readonly method: string;
    readonly learningRate: number;
    readonly seed: number;
    readonly backend: string;
  };
}

/** Every target that was fixed, by `deno run -A bench/targets.ts`. */
export const fixedTargets: readonly FixedTarget[] = recorded as readonly FixedTarget[];

/** What tells a target's problem. */
export type Targeted = Pick<FixedTarget, "problem" | "batchSize" | "steps">;

/** The target that was fixed for a problem of this size. */
export function fixedTarget(
  { problem, batchSize, steps }: Targeted,
  targets: readonly FixedTarget[] = fixedTargets,
): FixedTarget | undefined {
  return targets.find((t) =>
    t.problem === problem && t.batchSize === batchSize && t.steps === steps
  );
}

/** What a network problem says of itself. */
interface Aiming {
  readonly name: string;
  readonly batchSize: number;
  readonly steps: number;
  readonly selections: readonly Selection[];
  readonly target?: Target;
}

/** The loss that a fixed target is of. */
export function aimedAt(selections: readonly Selection[]): "trainLoss" | "validationLoss" {
  return selections.some((selection) => selection.endsWith("Validation"))
    ? "validationLoss"
    : "trainLoss";
}

/**
 * A problem's options with the target that was fixed for it, or else their own. Where learning rates
 * are chosen on validation data the loss on them is aimed at, as that on few or noisy training data
 * falls while nothing is learnt. A target that is not fixed yet is NaN, which no run reaches.
 */
export function withTarget<T extends Aiming>(options: T): T & { readonly target: Target } {
  const { name: problem, batchSize, steps, selections } = options;
  const fixed = fixedTarget({ problem, batchSize, steps });
  const target = fixed
    ? { metric: fixed.metric, value: fixed.value }
    : options.target ?? { metric: aimedAt(selections), value: NaN };
  return { ...options, target };
}

/** @throws {TypeError} If a run would be measured by a target that is not there. */
export function requireTarget(problem: string, { value }: Target): void {
  if (Number.isNaN(value)) {
    throw new TypeError(
      `Cannot run "${problem}": no target is fixed for it at this size; fix it with ` +
        `deno run -A bench/targets.ts --problem ${problem}`,
    );
  }
}
