/**
 * Telemetry of a trainer's updates.
 *
 * @module
 */
import type { TelemetryOptions } from "@precond/core";
import {
  type ClippedCounter,
  createWatcher,
  type Driver,
  type Watcher,
} from "@precond/core/backend";
import type { Host } from "../hosts/host.ts";
import type { StepHooks } from "./engine_types.ts";
import type { Parameter } from "./parameters.ts";

/** All who watch the updates of one trainer. */
export interface Watchers<A> extends StepHooks<A> {
  /**
   * @returns A function that ends it; called in the middle of an update, it ends with that.
   * @throws {RangeError | TypeError} For options that cannot be.
   */
  add(options: TelemetryOptions): () => void;
  dispose(): void;
}

/** Nobody watches yet. */
export function createWatchers<A>(
  host: Host<A>,
  driver: Driver<A>,
  parameters: readonly Parameter<A>[],
  gradientOf: (p: Parameter<A>) => A,
): Watchers<A> {
  const { backend, readNumbers } = host;
  const all = new Set<Watcher<A>>();
  let due: Watcher<A>[] = [];
  const watched = () =>
    parameters.map((p) => ({
      name: p.name,
      shape: p.dims,
      weights: p.weights,
      gradient: gradientOf(p),
    }));
  return {
    add(options) {
      const watcher = createWatcher({ backend, driver, readNumbers }, options);
      all.add(watcher);
      return () => {
        if (!all.delete(watcher)) return;
        if (!due.includes(watcher)) watcher.dispose();
      };
    },
    before() {
      if (all.size === 0) return undefined;
      const list = watched();
      let counter: ClippedCounter | undefined;
      due = [...all].filter((watcher) => {
        const wanted = watcher.before(list);
        counter ??= wanted;
        return wanted;
      });
      return counter;
    },
    async after({ batchSize, clipped }) {
      if (due.length === 0) return;
      try {
        await Promise.all(due.map((w) => w.after({ parameters: watched(), batchSize, clipped })));
      } finally {
        for (const watcher of due) if (!all.has(watcher)) watcher.dispose();
        due = [];
      }
    },
    abandon() {
      for (const watcher of due) watcher.abandon();
      due = [];
    },
    dispose() {
      for (const watcher of all) watcher.dispose();
      all.clear();
    },
  };
}
