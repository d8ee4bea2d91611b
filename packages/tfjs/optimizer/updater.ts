/** @module */
import type { Definition } from "@precond/core";
import type { ClippedCounter, StepResult, Watcher } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import type { Gatherer } from "../evidence/gatherer.ts";
import { partFor } from "../parts/registry.ts";
import type { VariableStates } from "../state/variable_states.ts";
import { contributionsOf, type GradientEntry, variablesOf } from "./contributions.ts";
import type { ResolvedOptions, TensorEvidence } from "./options.ts";

/** Applies gradients to variables, every call or the mean of every k calls. */
export interface Updater {
  /** Calls that make one update. */
  readonly accumulate: number;
  /** Calls of a half-done accumulation. */
  readonly pending: number;
  /** Another k; drops what is half done. */
  setAccumulate(k: number): void;
  /** Whether the call made an update. Nothing changes if it throws. */
  apply(gradients: readonly GradientEntry[], evidence: TensorEvidence): boolean;
  /** Disposes a half-done accumulation. */
  drop(): void;
  /** Frees the kernels and what is watched, too. */
  dispose(): void;
  /** Adds a watcher of updates; the function returned takes it away. */
  watch(watcher: Watcher<tf.Tensor>): () => void;
}

/** Makes the updater of one optimizer. */
export function createUpdater(
  definition: Definition,
  options: ResolvedOptions,
  states: VariableStates,
): Updater {
  let k = options.accumulate;
  let gatherer: Gatherer | undefined;
  const gathering = (): Gatherer =>
    gatherer ??= partFor("accumulation", "accumulate calls").createGatherer(
      states.backend,
      definition.needs.includes("gradientSquares"),
    );
  const drop = () => gatherer?.drop();
  const watchers = new Set<Watcher<tf.Tensor>>();

  const update = (gradients: readonly GradientEntry[], evidence: TensorEvidence) => {
    const variables = variablesOf(gradients.map(([name]) => name));
    const contributions = contributionsOf(variables, gradients, evidence);
    states.claim(variables);
    const batchSize = evidence.batchSize ?? options.batchSize;
    const watched = variables.map((weights, i) => ({
      name: weights.name,
      shape: weights.shape,
      weights,
      gradient: gradients[i]![1],
    }));
    let countClipped: ClippedCounter | undefined;
    for (const watcher of watchers) countClipped = watcher.before(watched) ?? countClipped;
    let result: StepResult<tf.Tensor>;
    try {
      result = states.driver.step(contributions, {
        batchSize,
        microBatches: evidence.microBatches,
        countClipped,
      });
    } catch (error) {
      for (const watcher of watchers) watcher.abandon();
      throw error;
    }
    result.weights.forEach((updated, i) => {
      variables[i]!.assign(updated);
      updated.dispose();
    });
    const { clipped } = result;
    for (const watcher of watchers) {
      void watcher.after({ parameters: watched, batchSize: batchSize ?? 1, clipped });
    }
    clipped?.forEach((counts) => tf.dispose(Object.values(counts)));
  };

  return {
    get accumulate() {
      return k;
    },
    get pending() {
      return gatherer?.calls ?? 0;
    },
    setAccumulate(calls) {
      k = calls;
      drop();
    },
    apply(gradients, evidence) {
      if (k === 1) {
        update(gradients, evidence);
        return true;
      }
      const { batchSize = options.batchSize } = evidence;
      // Checked in the call that brings them, not in the one that makes the update.
      contributionsOf(variablesOf(gradients.map(([name]) => name)), gradients, evidence);
      const mean = gathering().add(Object.fromEntries(gradients), {
        ...evidence,
        ...(batchSize === undefined ? {} : { batchSize }),
      });
      if (mean.calls < k) {
        mean.commit();
        return false;
      }
      try {
        update(Object.entries(mean.gradients), mean.evidence);
      } finally {
        // What was gathered before this call stays if the update fails.
        mean.rollback();
      }
      drop();
      return true;
    },
    drop,
    dispose() {
      gatherer?.dispose();
      for (const watcher of watchers) watcher.abandon();
    },
    watch(watcher) {
      watchers.add(watcher);
      return () => {
        watchers.delete(watcher);
        watcher.dispose();
      };
    },
  };
}
