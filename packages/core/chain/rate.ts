/**
 * The learning rate of an optimizer as a number to read and to set: for callbacks, plateaus,
 * restarts.
 *
 * @module
 */
import { checkValue } from "../checks.ts";
import * as kinds from "../kinds.ts";
import type { Chain } from "./chain.ts";
import { type Definition, type Group, groupsOf } from "./per_parameter.ts";

/** A learning rate set by hand: it holds until it is set anew. */
export interface SetRate {
  readonly value: number;
  /** Updates done when it was set: the ratios between groups are those of that moment. */
  readonly since: number;
}

const rateOf = (chain: Chain, updates: number): number => {
  try {
    return chain.learningRate!(updates);
  } catch {
    return NaN; // a schedule of the caller's own: the step that asks it shows its error
  }
};

/** The first group that moves: of one that is frozen by a rate of 0 the others have no ratio. */
const leader = (definition: Definition): Chain | undefined => {
  const rated = groupsOf(definition).map(({ chain }) => chain).filter((c) => c.learningRate);
  // A schedule may begin at 0.
  const moves = (chain: Chain) => rateOf(chain, 0) > 0 || rateOf(chain, 1) > 0;
  return rated.length > 1 ? rated.find(moves) ?? rated[0] : rated[0];
};

/**
 * The learning rate after so many updates by the optimizer's own schedule: that of the first group
 * that moves, undefined if none has one. It never throws; a multiplier has no part in it.
 */
export function scheduledRate(definition: Definition, updates: number): number | undefined {
  const chain = leader(definition);
  return chain && rateOf(chain, updates);
}

const label = ({ match }: Group) => typeof match === "function" ? "a predicate" : String(match);

const action = "set the learning rate";

/** @throws {TypeError} If the optimizer, or one of its groups, has no `learningRate()` to set. */
export function checkRated(definition: Definition): void {
  const without = groupsOf(definition).find(({ chain }) => !chain.learningRate);
  if (without) {
    const owner = "groups" in definition ? `the group of ${label(without)}` : "the chain";
    throw new TypeError(
      `Cannot ${action}: ${owner} has no learningRate(); add learningRate(1) to it`,
    );
  }
}

/**
 * Refuses a learning rate that is set by hand where there is none to be set.
 *
 * @throws {TypeError} If the optimizer, or one of its groups, has no `learningRate()`; if it is no
 * number.
 * @throws {RangeError} If the rate is negative or not finite, or groups have no ratio to keep.
 */
export function checkSetRate(definition: Definition, value: number, since = 0): SetRate {
  checkValue(action, value, kinds.nonNegative, "learningRate");
  checkRated(definition);
  const rate = { value, since };
  for (const { chain } of groupsOf(definition)) rateFor(definition, chain, rate);
  return rate;
}

/**
 * What a rate set by hand is for one chain of the optimizer: groups keep their ratios to the first
 * one that moves. Where its schedule was at 0, the ratios of the first update are taken, or else the
 * second.
 *
 * @throws {RangeError} If there is no ratio, as a schedule fails.
 */
export function rateFor(definition: Definition, chain: Chain, { value, since }: SetRate): number {
  const first = leader(definition);
  if (!first || chain === first || !chain.learningRate || value === 0) return value;
  const at = [since, 0, 1].find((updates) => rateOf(first, updates) > 0) ?? since;
  const [own, firsts] = [rateOf(chain, at), rateOf(first, at)];
  if (Number.isFinite(own / firsts)) return value * (own / firsts);
  throw new RangeError(
    `Cannot ${action}: after ${at} updates it is ${firsts} for one group and ${own} ` +
      `for another, no ratio to keep; set their schedules`,
  );
}

/** The rate of an optimizer while it trains. */
export interface RateControl {
  /** The rate that the next update would take; undefined if the optimizer has none. */
  value: number | undefined;
  /** What was set by hand, for saving; undefined while the schedule is followed. */
  saved: SetRate | undefined;
  /** What `StepInfo.learningRate` should be; `given` is for one step alone. */
  override(chain: Chain, given?: number): number | undefined;
}

/** The learning rate of a definition that is at `updates()`. */
export function rateControl(definition: Definition, updates: () => number): RateControl {
  let saved: SetRate | undefined;
  return {
    get value() {
      return saved ? saved.value : scheduledRate(definition, updates());
    },
    set value(rate) {
      saved = rate === undefined ? undefined : checkSetRate(definition, rate, updates());
    },
    get saved() {
      return saved;
    },
    set saved(rate) {
      saved = rate;
    },
    override(chain, given) {
      const rate = given === undefined ? saved : checkSetRate(definition, given, updates());
      return rate && rateFor(definition, chain, rate);
    },
  };
}
