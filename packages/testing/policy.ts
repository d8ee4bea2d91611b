/**
 * A policy of five actions without a state, to be trained by its rewards.
 *
 * @module
 */
import type { Random } from "./random.ts";

const rewards = [0, 0.2, 0.4, 0.6, 1];

/** The mean reward of a policy, which is probabilities of its five actions. */
export function worthOf(policy: readonly number[]): number {
  return policy.reduce((sum, p, action) => sum + p * rewards[action]!, 0);
}

/** An action, and how much better than the policy it was, in noise. */
export interface DrawnAction {
  readonly action: number;
  readonly advantage: number;
}

/** Eight actions that a policy takes. */
export function drawActions(
  policy: readonly number[],
  { uniform, normal }: Random,
): DrawnAction[] {
  return Array.from({ length: 8 }, () => {
    let u = uniform(), action = 0;
    while (action < 4 && u > policy[action]!) u -= policy[action++]!;
    return { action, advantage: rewards[action]! - worthOf(policy) + normal() / 10 };
  });
}
