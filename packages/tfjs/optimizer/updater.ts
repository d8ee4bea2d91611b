/** @module */
import type { Definition } from "@precond/core";
import type { StepResult } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import { contributionsOf, type GradientEntry, variablesOf } from "./contributions.ts";
import { type Accumulation, createAccumulation } from "../evidence/micro_batches.ts";
import type { ResolvedOptions, TensorEvidence } from "./options.ts";
import type { Telemetry } from "../evidence/telemetry_session.ts";
import type { VariableStates } from "../state/variable_states.ts";

/** Applies gradients to variables, every call or the mean of every k calls. */
export interface Updater {
  /** Calls that make one update. */
  readonly accumulate: number;
  /** Calls of a half-done accumulation. */
  readonly pending: number;
  /** Another k; drops what is half done. */
  setAccumulate(k: number): void;
  /** Whether the call made an update. Nothing changes if it throws. */
  apply(
    gradients: readonly GradientEntry[],
    evidence: TensorEvidence,
    learningRate: number | undefined,
  ): boolean;
  /** Disposes a half-done accumulation. */
  drop(): void;
  /** Adds a watcher of updates; the function returned takes it away. */
  watch(telemetry: Telemetry): () => void;
}

/** Makes the updater of one optimizer. */
export function createUpdater(
  definition: Definition,
  options: ResolvedOptions,
  states: VariableStates,
): Updater {
  const squares = definition.needs.includes("gradientSquares");
  let k = options.accumulate;
  let total: Accumulation | undefined;
  const watchers = new Set<Telemetry>();
  const drop = () => {
    total?.dispose();
    total = undefined;
  };

  const update = (
    gradients: readonly GradientEntry[],
    evidence: TensorEvidence,
    learningRate: number | undefined,
  ) => {
    const variables: tf.Variable[] = variablesOf(gradients.map(([name]) => name));
    states.claim(variables);
    const observed = {
      variables,
      gradients: gradients.map(([, gradient]) => gradient),
      batchSize: evidence.batchSize ?? (options.batchSize || 1),
    };
    let countClipped = false;
    for (const watcher of watchers) countClipped = watcher.before(observed) || countClipped;
    let result: StepResult<tf.Tensor>;
    try {
      result = states.driver.step(
        contributionsOf(variables, gradients, evidence, states.nameOf),
        {
          batchSize: evidence.batchSize ?? (options.batchSize || undefined),
          microBatches: evidence.microBatches,
          learningRate,
          countClipped,
        },
      );
    } catch (error) {
      for (const watcher of watchers) watcher.abandon();
      throw error;
    }
    result.weights.forEach((updated, i) => {
      variables[i]!.assign(updated);
      updated.dispose();
    });
    const { clipped } = result;
    for (const watcher of watchers) watcher.after({ ...observed, clipped });
    clipped?.forEach((counts) => tf.dispose(Object.values(counts)));
  };

  return {
    get accumulate() {
      return k;
    },
    get pending() {
      return total?.count ?? 0;
    },
    setAccumulate(calls) {
      k = calls;
      drop();
    },
    apply(gradients, evidence, learningRate) {
      if (k === 1) {
        update(gradients, evidence, learningRate);
        return true;
      }
      const { batchSize = options.batchSize } = evidence;
      // Checked in the call that brings them, not in the one that makes the update.
      contributionsOf(
        variablesOf(gradients.map(([name]) => name)),
        gradients,
        evidence,
        states.nameOf,
      );
      total ??= createAccumulation(k, squares);
      total.add(Object.fromEntries(gradients), {
        ...evidence,
        ...(batchSize > 0 ? { batchSize } : {}),
      });
      if (total.count < k) return false;
      try {
        const mean = total.result();
        update(Object.entries(mean.gradients), mean.evidence, learningRate);
        return true;
      } finally {
        drop();
      }
    },
    drop,
    watch(telemetry) {
      watchers.add(telemetry);
      return () => {
        telemetry.abandon();
        watchers.delete(telemetry);
      };
    },
  };
}
