/**
 * What calls of a closure must not leave or change: tensors, the state of layers, and chance.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";

/** What withoutRemains() uses of the engine's state. */
interface EngineState {
  readonly gradientDepth: number;
  readonly activeTape: readonly { readonly saved: readonly tf.Tensor[] }[] | null;
}

/**
 * What `f` gives. If it throws, all tensors that it made are disposed, those too that tfjs saved for a
 * backward pass that does not come, and else leaves behind.
 */
export function withoutRemains<T extends tf.TensorContainer>(f: () => T): T {
  try {
    return tf.tidy(f);
  } catch (error) {
    const { gradientDepth, activeTape } = tf.engine().state as unknown as EngineState;
    if (gradientDepth === 0) { for (const { saved } of activeTape ?? []) tf.dispose([...saved]); }
    throw error;
  }
}

/** Remembers the non-trainable variables; the function returned gives them their values back, if it is to. */
function remembered(): (restore: boolean) => void {
  const saved = Object.values(tf.engine().registeredVariables)
    .filter((v) => !v.trainable && !v.isDisposed)
    // A clone shares the data, and keeps it when the variable goes on to other data.
    .map((variable) => ({ variable, before: tf.keep(tf.clone(variable)) }));
  return (restore) => {
    for (const { variable, before } of saved) {
      if (restore && !variable.isDisposed && variable.dataId !== before.dataId) {
        variable.assign(before);
      }
      before.dispose();
    }
  };
}

/**
 * Runs `f` and gives every non-trainable variable that it wrote its value back: batch normalisation
 * updates its moving statistics in each call of the closure.
 */
export function undisturbed<T>(f: () => T): T {
  const end = remembered();
  try {
    return f();
  } finally {
    end(true);
  }
}

/** Runs `f`, and does the same only if it throws: a step that fails leaves no trace. */
export function restoredOnError<T>(f: () => T): T {
  const end = remembered();
  let done = false;
  try {
    const result = f();
    done = true;
    return result;
  } finally {
    end(!done);
  }
}

/**
 * A runner of synchronous functions that all see the random numbers that the first of them drew:
 * where two gradients are compared, both must drop out the same units.
 *
 * tfjs seeds the generators of dropout and noise layers without a seed with `Math.random()` on
 * every backend, so that is what is recorded and repeated, while the function runs.
 *
 * @throws {TypeError} Where `Math.random` is frozen.
 */
export function sameDraws(): <T>(f: () => T) => T {
  const drawn: number[] = [];
  return (f) => {
    const original = Math.random;
    let next = 0;
    try {
      Math.random = () => drawn[next++] ??= original();
    } catch (cause) {
      throw new TypeError(
        "Cannot compare two calls of the closure: Math.random is frozen here, so that dropout may differ between them",
        { cause },
      );
    }
    try {
      return f();
    } finally {
      Math.random = original;
    }
  };
}
