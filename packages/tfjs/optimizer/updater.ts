/** @module */
import type { Definition } from "@precond/core";
import type { ClippedCounter, Watcher } from "@precond/core/backend";
import type * as tf from "@tensorflow/tfjs-core";
import type { Gatherer } from "../evidence/gatherer.ts";
import type { Watchers } from "../evidence/watchers.ts";
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
  let watchers: Watchers | undefined;

  const update = (gradients: readonly GradientEntry[], evidence: TensorEvidence) => {
    const variables = variablesOf(gradients.map(([name]) => name));
    const contributions = contributionsOf(variables, gradients, evidence);
    states.claim(variables);
    const batchSize = evidence.batchSize ?? options.batchSize;
    const run = (countClipped?: ClippedCounter) => {
      const { weights, clipped } = states.driver.step(contributions, {
        batchSize,
        microBatches: evidence.microBatches,
        countClipped,
      });
      weights.forEach((updated, i) => {
        variables[i]!.assign(updated);
        updated.dispose();
      });
      return clipped;
    };
    if (watchers) watchers.around({ variables, gradients, batchSize }, run);
    else run();
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
      return gathering().take(
        gradients,
        { ...evidence, ...(batchSize === undefined ? {} : { batchSize }) },
        { calls: k, update },
      );
    },
    drop,
    dispose() {
      gatherer?.dispose();
      watchers?.abandon();
    },
    watch(watcher) {
      watchers ??= partFor("telemetry", "report telemetry").createWatchers();
      return watchers.add(watcher);
    },
  };
}
