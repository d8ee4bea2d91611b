/**
 * T, the signal fraction, of the layers of a network while it is trained, as telemetry reports it.
 *
 * @module
 */
import type { TelemetryOptions } from "@precond/core";

/** T of an array of weights: signal/(signal + noise), and quantiles over its elements. */
export interface Signal {
  readonly fraction: number;
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
}

/** By the names of the arrays, in their order. */
export type Signals = Readonly<Record<string, Signal>>;

/** Watches an optimizer. */
export interface SignalWatch {
  /** What the last of so many steps has seen; undefined where it was not looked at. */
  at(steps: number): Promise<Signals | undefined>;
  end(): void;
}

/** An optimizer that reports. */
export interface Reporting {
  telemetry(options: TelemetryOptions): () => void;
}

/**
 * Watches the arrays of layers (those of two axes and more) after every `every`-th step.
 *
 * @param arrays The optimizer's name of each array, what it is called here, and its shape.
 */
export function watchSignals(
  optimizer: Reporting,
  every: number,
  arrays: readonly (readonly [own: string, name: string, shape: readonly number[]])[],
): SignalWatch {
  const layers = arrays.filter(([, , shape]) => shape.length > 1);
  const reports = new Map<number, PromiseWithResolvers<Signals | undefined>>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const report = (steps: number) => {
    if (!reports.has(steps)) reports.set(steps, Promise.withResolvers());
    return reports.get(steps)!;
  };
  const end = optimizer.telemetry({
    every,
    onError: failed.reject,
    onReport({ iteration, variables }) {
      const seen = layers.flatMap(([own, name]) => {
        const known = variables[own];
        return known ? [[name, { fraction: known.fraction, ...known.quantiles }] as const] : [];
      });
      report(iteration).resolve(seen.length > 0 ? Object.fromEntries(seen) : undefined);
    },
  });
  return {
    async at(steps) {
      if (steps === 0 || steps % every !== 0) return undefined;
      const signals = await Promise.race([report(steps).promise, failed.promise]);
      reports.delete(steps);
      return signals;
    },
    end,
  };
}
