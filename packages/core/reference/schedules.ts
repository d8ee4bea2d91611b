/** A learning rate as a function of the number of updates done so far. */
export type Schedule = (updates: number) => number;

/**
 * `v`, always.
 *
 * @example
 * ```ts
 * import { constantSchedule } from "@precond/core/reference";
 * if (constantSchedule(0.1)(1000) !== 0.1) throw new Error();
 * ```
 */
export function constantSchedule(value: number): Schedule {
  return () => value;
}

/**
 * `from + (to − from)·min(n/steps, 1)`.
 *
 * @example
 * ```ts
 * import { linearSchedule } from "@precond/core/reference";
 * if (linearSchedule({ from: 1, to: 0, steps: 4 })(1) !== 0.75) throw new Error();
 * ```
 */
export function linearSchedule(options: { from: number; to: number; steps: number }): Schedule {
  const { from, to, steps } = options;
  return (n) => from + (to - from) * Math.min(n / steps, 1);
}

/**
 * `to + (from − to)(1 + cos(π min(n/steps, 1)))/2`.
 *
 * @example
 * ```ts
 * import { cosineSchedule } from "@precond/core/reference";
 * if (cosineSchedule({ from: 1, steps: 10 })(10) !== 0) throw new Error();
 * ```
 */
export function cosineSchedule(options: { from: number; to?: number; steps: number }): Schedule {
  const { from, to = 0, steps } = options;
  return (n) => to + (from - to) * (1 + Math.cos(Math.PI * Math.min(n / steps, 1))) / 2;
}

/**
 * `then(0)·(n+1)/steps` for the first `steps` updates, `then(n − steps)` after them.
 *
 * @example
 * ```ts
 * import { constantSchedule, warmUpSchedule } from "@precond/core/reference";
 * const schedule = warmUpSchedule({ steps: 4, then: constantSchedule(1) });
 * if (schedule(0) !== 1 / 4 || schedule(4) !== 1) throw new Error();
 * ```
 */
export function warmUpSchedule(options: { steps: number; then: Schedule }): Schedule {
  const { steps, then } = options;
  return (n) => n < steps ? then(0) * (n + 1) / steps : then(n - steps);
}

/**
 * `from · factor^⌊n/every⌋`.
 *
 * @example
 * ```ts
 * import { stepDecaySchedule } from "@precond/core/reference";
 * if (stepDecaySchedule({ from: 1, factor: 0.5, every: 10 })(20) !== 0.25) throw new Error();
 * ```
 */
export function stepDecaySchedule(
  options: { from: number; factor: number; every: number },
): Schedule {
  const { from, factor, every } = options;
  return (n) => from * factor ** Math.floor(n / every);
}

/**
 * `from · factor^(n/every)`.
 *
 * @example
 * ```ts
 * import { exponentialSchedule } from "@precond/core/reference";
 * if (exponentialSchedule({ from: 1, factor: 0.25, every: 2 })(1) !== 0.5) throw new Error();
 * ```
 */
export function exponentialSchedule(
  options: { from: number; factor: number; every: number },
): Schedule {
  const { from, factor, every } = options;
  return (n) => from * Math.exp(n / every * Math.log(factor));
}

/**
 * Periods laid end to end, each so many times as long as the last and starting at so many times its
 * rate; within each, the cosine schedule.
 *
 * @example
 * ```ts
 * import { warmRestartsSchedule } from "@precond/core/reference";
 * const schedule = warmRestartsSchedule({ from: 1, steps: 2, lengthen: 2, shrink: 0.5 });
 * if (schedule(2) !== 0.5 || schedule(6) !== 0.25) throw new Error();
 * ```
 */
export function warmRestartsSchedule(
  options: { from: number; to?: number; steps: number; lengthen?: number; shrink?: number },
): Schedule {
  const { from, to = 0, steps, lengthen = 1, shrink = 1 } = options;
  return (n) => {
    let [start, length, peak] = [0, steps, from];
    while (n - start >= length) {
      [start, length, peak] = [start + length, length * lengthen, peak * shrink];
    }
    return cosineSchedule({ from: peak, to, steps: length })(n - start);
  };
}
