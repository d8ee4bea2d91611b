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

const leader = (definition: Definition): Chain | undefined =>
  groupsOf(definition).find(({ chain }) => chain.learningRate)?.chain;

/**
 * The learning rate after so many updates by the optimizer's own schedule: that of the first group
 * that has one, undefined if none has. It never throws; a multiplier has no part in it.
 */
export function scheduledRate(definition: Definition, updates: number): number | undefined {
  const chain = leader(definition);
  return chain && rateOf(chain, updates);
}

const label = ({ match }: Group) => typeof match === "function" ? "a predicate" : String(match);

/**
 * Refuses a learning rate that is set by hand where there is none to be set.
 *
 * @throws {TypeError} If the optimizer, or one of its groups, has no `learningRate()`; if it is no
 * number.
 * @throws {RangeError} If the rate is negative or not finite.
 */
export function checkSetRate(definition: Definition, value: number, since = 0): SetRate {
  const action = "set the learning rate";
  checkValue(action, value, kinds.nonNegative, "learningRate");
  const without = groupsOf(definition).find(({ chain }) => !chain.learningRate);
  if (without) {
    const owner = "groups" in definition ? `the group of ${label(without)}` : "the chain";
    throw new TypeError(
      `Cannot ${action}: ${owner} has no learningRate(), so its steps would stay as they are; ` +
        `add learningRate(1) to it`,
    );
  }
  return { value, since };
}

/**
 * What a rate set by hand is for one chain of the optimizer: groups keep their ratios to the first
 * one. Where the first one's schedule was at 0, the ratios of the first update are taken.
 */
export function rateFor(definition: Definition, chain: Chain, { value, since }: SetRate): number {
  const first = leader(definition);
  if (!first || chain === first || !chain.learningRate || value === 0) return value;
  const at = rateOf(first, since) > 0 ? since : 0;
  const ratio = rateOf(chain, at) / rateOf(first, at);
  return Number.isFinite(ratio) ? value * ratio : value;
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
      const rate = given === undefined ? saved : { value: given, since: updates() };
      return rate && rateFor(definition, chain, rate);
    },
  };
}
