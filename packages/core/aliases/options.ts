/** @module */
import type { Match } from "../chain/match.ts";
import type { Transform } from "../chain/types.ts";
import type { Kinds } from "../checks.ts";
import * as kinds from "../kinds.ts";
import { decoupledWeightDecay } from "../transforms/decoupled_weight_decay.ts";
import { learningRate as rate } from "../transforms/learning_rate.ts";
import { momentum } from "../transforms/momentum.ts";
import { type Schedule, warmUp } from "../transforms/schedules.ts";

/** What every alias takes. */
export interface AliasOptions {
  /** A number or a schedule. Each alias says its default. */
  readonly learningRate?: number | Schedule;
}

/** What the recommended aliases take besides. */
export interface RecommendedOptions {
  /**
   * A number, reached after `warmup` steps, or a schedule, taken as it is. Each alias says its
   * default.
   */
  readonly learningRate?: number | Schedule;
  /** Steps in which a learning rate that is a number rises from 0; default 10, 0 for none. */
  readonly warmup?: number;
  /** Decoupled weight decay, `w −= η λ w`; default 0. */
  readonly weightDecay?: number;
  /** Which parameters decay; default all. */
  readonly match?: Match;
}

/** What each option of {@linkcode RecommendedOptions} may be. */
export const recommendedKinds: Kinds<RecommendedOptions> = {
  learningRate: kinds.rate,
  warmup: kinds.integer(0),
  weightDecay: kinds.nonNegative,
  match: kinds.match,
};

/** An average over what flows in; nothing for decay 0. */
export const average = (decay: number): Transform[] => decay === 0 ? [] : [momentum({ decay })];

/** Decoupled weight decay; nothing for 0. */
export const decayed = (weightDecay: number, match?: Match): Transform[] =>
  weightDecay === 0 ? [] : [decoupledWeightDecay(weightDecay, match ? { match } : {})];

/** The last stages of a recommended alias: weight decay and the rate, a number after a warm-up. */
export function ending(options: RecommendedOptions, usual: number): Transform[] {
  const { learningRate = usual, warmup = 10, weightDecay = 0, match } = options;
  const warm = typeof learningRate === "number" && warmup > 0;
  return [
    ...decayed(weightDecay, match),
    rate(warm ? warmUp({ steps: warmup, then: learningRate }) : learningRate),
  ];
}
