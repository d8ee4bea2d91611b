/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { tapeEngine } from "./_tape.ts";

/**
 * Runs nested gradients and leaves no tensor behind but those of the result, also when they throw.
 *
 * @param run Gets `watch`, which calls the closure, and `hold`, which copies a tensor so that it
 * outlives the inner scopes.
 */
export function recorded<T extends tf.TensorContainer>(
  run: (watch: <U extends tf.Tensor>(f: () => U) => U, hold: (t: tf.Tensor) => tf.Tensor) => T,
): T {
  const engine = tf.engine(), tape = tapeEngine();
  const outermost = tape.state.gradientDepth === 0;
  const held: tf.Tensor[] = [];
  let track: readonly tf.Tensor[] = [];
  const watch = <U extends tf.Tensor>(f: () => U): U => {
    engine.startScope("closure");
    let value: U | undefined;
    try {
      ({ track } = tape.state.activeScope);
      return value = f();
    } finally {
      engine.endScope(value);
    }
  };
  const hold = (t: tf.Tensor): tf.Tensor => {
    const copy = tf.keep(tf.clone(t));
    held.push(copy);
    return copy;
  };
  let result: T | undefined;
  engine.startScope("second order");
  try {
    return result = run(watch, hold);
  } finally {
    engine.endScope(result);
    tf.dispose(held);
    if (outermost) {
      // After a throw, tfjs leaves what was saved for the backward pass.
      for (const { saved } of tape.state.activeTape ?? []) tf.dispose(saved as tf.Tensor[]);
      tape.state.activeTape = null;
      // What the closure itself kept: `model.fit` keeps a tensor per metric in each call.
      for (const t of track) {
        if (t.kept && !t.isDisposed && !(t instanceof tf.Variable)) t.dispose();
      }
    }
  }
}
