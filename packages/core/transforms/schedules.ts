/**
 * Learning rate schedules: functions of n, the number of updates done before this one.
 *
 * @module
 */
import { type Specified, specify } from "../chain/specification.ts";
import { checkNonNegative, checkPositive } from "../chain/ema.ts";

/** The learning rate as a function of the number of updates done: `schedule(0)` is the first. */
export type Schedule = ((updates: number) => number) & Specified;

const action = "schedule the learning rate";

/** `η` for ever. */
export function constant(value: number): Schedule {
  checkNonNegative(action, value, "value");
  return Object.assign(() => value, specify("constant", value));
}

/** `from + (to − from) min(n/steps, 1)` */
export function linear(options: { from: number; to: number; steps: number }): Schedule {
  const { from, to, steps } = options;
  checkNonNegative(action, from, "from");
  checkNonNegative(action, to, "to");
  checkPositive(action, steps, "steps");
  return Object.assign(
    (n: number) => from + (to - from) * Math.min(n / steps, 1),
    specify("linear", options),
  );
}

/**
 * `to + (from − to)(1 + cos(π min(n/steps, 1)))/2`
 *
 * Source: Loshchilov & Hutter (2017), arXiv 1608.03983, without restarts.
 */
export function cosine(options: { from: number; to?: number; steps: number }): Schedule {
  const { from, to = 0, steps } = options;
  checkNonNegative(action, from, "from");
  checkNonNegative(action, to, "to");
  checkPositive(action, steps, "steps");
  return Object.assign(
    (n: number) => to + (from - to) * (1 + Math.cos(Math.PI * Math.min(n / steps, 1))) / 2,
    specify("cosine", options),
  );
}

/** Rises linearly, `then(0)(n+1)/steps` for `steps` updates, and goes on with `then(n − steps)`. */
export function warmUp(options: { steps: number; then: number | Schedule }): Schedule {
  const { steps } = options;
  checkPositive(action, steps, "steps");
  const then = typeof options.then === "number" ? constant(options.then) : options.then;
  return Object.assign(
    (n: number) => n < steps ? then(0) * (n + 1) / steps : then(n - steps),
    specify("warmUp", options),
  );
}

/** `from · factor^⌊n/every⌋` */
export function stepDecay(options: { from: number; factor: number; every: number }): Schedule {
  const { from, factor, every } = options;
  checkNonNegative(action, from, "from");
  checkPositive(action, factor, "factor");
  checkPositive(action, every, "every");
  return Object.assign(
    (n: number) => from * factor ** Math.floor(n / every),
    specify("stepDecay", options),
  );
}
