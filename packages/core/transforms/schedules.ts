/**
 * Learning rate schedules: functions of n, the number of updates done before this one.
 *
 * @module
 */
import { checkOptions, checkValue } from "../checks.ts";
import { type Specified, specify } from "../chain/specification.ts";
import * as kinds from "../kinds.ts";

/** The learning rate as a function of the number of updates done: `schedule(0)` is the first. */
export type Schedule = ((updates: number) => number) & Specified;

const action = "schedule the learning rate";

const made = (name: string, options: unknown, rate: (n: number) => number): Schedule =>
  Object.assign(rate, specify(name, options));

/** `η` for ever. */
export function constant(value: number): Schedule {
  checkValue(action, value, kinds.nonNegative, "value");
  return made("constant", value, () => value);
}

/** `from + (to − from) min(n/steps, 1)` */
export function linear(options: { from: number; to: number; steps: number }): Schedule {
  const given = checkOptions(
    action,
    options,
    { from: kinds.nonNegative, to: kinds.nonNegative, steps: kinds.positive },
    ["from", "to", "steps"],
  );
  const { from, to, steps } = given;
  return made("linear", given, (n) => from + (to - from) * Math.min(n / steps, 1));
}

/**
 * `to + (from − to)(1 + cos(π min(n/steps, 1)))/2`, `to` 0 by default.
 *
 * Source: Loshchilov & Hutter (2017), arXiv 1608.03983, without restarts.
 */
export function cosine(options: { from: number; to?: number; steps: number }): Schedule {
  const given = checkOptions(
    action,
    options,
    { from: kinds.nonNegative, to: kinds.nonNegative, steps: kinds.positive },
    ["from", "steps"],
  );
  const { from, to = 0, steps } = given;
  return made(
    "cosine",
    given,
    (n) => to + (from - to) * (1 + Math.cos(Math.PI * Math.min(n / steps, 1))) / 2,
  );
}

/** Options of {@linkcode warmRestarts}. */
export interface WarmRestartsOptions {
  readonly from: number;
  /** Default 0. */
  readonly to?: number;
  /** Updates before the first restart. */
  readonly steps: number;
  /** The paper's T_mult: each period is so many times as long as the last; at least 1, default 1. */
  readonly lengthen?: number;
  /** Each period starts at so many times the rate of the last; default 1. */
  readonly shrink?: number;
}

/**
 * Cosine with warm restarts (SGDR): in period i, which has `Tᵢ = steps · lengthenⁱ` updates, after t
 * of them `to + (from · shrinkⁱ − to)(1 + cos(π t/Tᵢ))/2`.
 *
 * Source: Loshchilov & Hutter (2017), arXiv 1608.03983, equation 5; `shrink` is the m_mul of Keras's
 * CosineDecayRestarts.
 *
 * @throws {RangeError} For options out of range.
 * @throws {TypeError} For an option that is unknown, missing or of the wrong type.
 *
 * @example
 * ```ts
 * import { warmRestarts } from "@precond/core/pieces";
 * import assert from "node:assert/strict";
 *
 * const schedule = warmRestarts({ from: 1, steps: 2, lengthen: 2 });
 * // Periods of 2, 4, … updates:
 * assert.deepEqual([0, 1, 2, 4, 6].map((n) => Number(schedule(n).toFixed(6))), [1, 0.5, 1, 0.5, 1]);
 * ```
 */
export function warmRestarts(options: WarmRestartsOptions): Schedule {
  const given = checkOptions(
    action,
    options,
    {
      from: kinds.nonNegative,
      to: kinds.nonNegative,
      steps: kinds.count,
      lengthen: kinds.numberFrom(1),
      shrink: kinds.positive,
    },
    ["from", "steps"],
  );
  const { from, to = 0, steps, lengthen = 1, shrink = 1 } = given;
  return made("warmRestarts", given, (n) => {
    let [period, length, t] = [0, steps, n];
    if (lengthen === 1) [period, t] = [Math.floor(n / steps), n % steps];
    for (; lengthen > 1 && t >= length; length *= lengthen, period++) t -= length;
    const peak = from * shrink ** period;
    return to + (peak - to) * (1 + Math.cos(Math.PI * t / length)) / 2;
  });
}

/** Rises linearly, `then(0)(n+1)/steps` for `steps` updates, and goes on with `then(n − steps)`. */
export function warmUp(options: { steps: number; then: number | Schedule }): Schedule {
  const given = checkOptions(
    action,
    options,
    { steps: kinds.positive, then: kinds.rate },
    ["steps", "then"],
  );
  const { steps } = given;
  const then = typeof given.then === "number" ? constant(given.then) : given.then;
  return made(
    "warmUp",
    given,
    (n) => n < steps ? then(0) * (n + 1) / steps : then(n - steps),
  );
}

/** What both exponential schedules take. */
interface DecayOptions {
  from: number;
  factor: number;
  every: number;
}

const decaying = (options: DecayOptions) =>
  checkOptions(
    action,
    options,
    { from: kinds.nonNegative, factor: kinds.positive, every: kinds.positive },
    ["from", "factor", "every"],
  );

/** `from · factor^⌊n/every⌋` */
export function stepDecay(options: { from: number; factor: number; every: number }): Schedule {
  const given = decaying(options);
  const { from, factor, every } = given;
  return made("stepDecay", given, (n) => from * factor ** Math.floor(n / every));
}

/** `from · factor^(n/every)`: {@linkcode stepDecay} without steps. */
export function exponential(options: { from: number; factor: number; every: number }): Schedule {
  const given = decaying(options);
  const { from, factor, every } = given;
  return made("exponential", given, (n) => from * factor ** (n / every));
}
