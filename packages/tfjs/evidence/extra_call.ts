/** @module */
import * as tf from "@tensorflow/tfjs-core";

/** What this file uses of the engine's state. */
interface EngineState {
  readonly activeScope: { readonly track: readonly tf.Tensor[] };
}

/**
 * Value and gradients from a further call of a closure, kept: the caller disposes them. A closure
 * of `model.fit` keeps one tensor per metric in each call; those of extra calls are disposed here.
 */
export function extraGradients(
  f: () => tf.Scalar,
  variables: readonly tf.Variable[] | undefined,
): { value: tf.Scalar; gradients: tf.NamedTensorMap } {
  const engine = tf.engine();
  let track: readonly tf.Tensor[] = [];
  // Inside the closure, since each gradient runs it in a scope of its own.
  const watched = () => {
    engine.startScope("precond");
    let value: tf.Scalar | undefined;
    try {
      ({ track } = (engine.state as unknown as EngineState).activeScope);
      return value = f();
    } finally {
      engine.endScope(value);
    }
  };
  const mine = new Set<tf.Tensor>();
  engine.startScope("precond gradients");
  try {
    const { value, grads } = tf.variableGrads(watched, variables && [...variables]);
    const found = Object.entries(grads).filter(([, g]) => g != null);
    for (const t of [value, ...found.map(([, g]) => g)]) mine.add(tf.keep(t));
    return { value, gradients: Object.fromEntries(found) };
  } finally {
    engine.endScope();
    // What the backward pass had saved is disposed by now; what is still kept, the closure kept.
    for (const t of track) {
      if (t.kept && !t.isDisposed && !(t instanceof tf.Variable) && !mine.has(t)) t.dispose();
    }
  }
}
