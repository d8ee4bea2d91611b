/** @module */
import type { ClippedCounter, ClippedCounts, Watcher } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";

/** What steps. */
export interface Watched {
  readonly variables: readonly tf.Variable[];
  /** In the order of the variables. */
  readonly gradients: readonly (readonly [name: string, gradient: tf.Tensor])[];
  /** Undefined if nobody told. */
  readonly batchSize: number | undefined;
}

/** Those who watch the updates of one optimizer. */
export interface Watchers {
  /** The function returned takes it away. */
  add(watcher: Watcher<tf.Tensor>): () => void;
  /** Runs a step that gives what it clipped, which is disposed; all that is begun ends if it throws. */
  around(
    what: Watched,
    step: (countClipped?: ClippedCounter) => readonly ClippedCounts<tf.Tensor>[] | undefined,
  ): void;
  /** Ends what they have begun. */
  abandon(): void;
}

/** Makes the watchers of one optimizer. */
export function createWatchers(): Watchers {
  const all = new Set<Watcher<tf.Tensor>>();
  const abandon = () => {
    for (const watcher of all) watcher.abandon();
  };
  return {
    add(watcher) {
      all.add(watcher);
      return () => {
        all.delete(watcher);
        watcher.dispose();
      };
    },
    around({ variables, gradients, batchSize = NaN }, step) {
      const parameters = variables.map((weights, i) => ({
        name: weights.name,
        shape: weights.shape,
        weights,
        gradient: gradients[i]![1],
      }));
      let countClipped: ClippedCounter | undefined;
      for (const watcher of all) countClipped = watcher.before(parameters) ?? countClipped;
      let clipped: ReturnType<typeof step>;
      try {
        clipped = step(countClipped);
      } catch (error) {
        abandon();
        throw error;
      }
      for (const watcher of all) void watcher.after({ parameters, batchSize, clipped });
      clipped?.forEach((counts) => tf.dispose(Object.values(counts)));
    },
    abandon,
  };
}
