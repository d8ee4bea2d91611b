/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { withoutRemains } from "./undisturbed.ts";

/** What this file uses of the engine's state. */
interface EngineState {
  readonly activeScope: { readonly track: readonly tf.Tensor[] };
  readonly scopeStack: readonly unknown[];
}

/** Options of {@linkcode extraGradients}. */
export interface ExtraCallOptions {
  /** A loss that depends on none of the variables is allowed; its gradients are left out. */
  readonly constant?: boolean;
  /**
   * Outside of a `tf.tidy`, takes the tensors that the closure kept, in place of their disposal:
   * `trainOnBatch` reads the metrics of all calls later.
   */
  readonly kept?: Set<tf.Tensor>;
}

/** What a call gives; the caller disposes it. */
export interface ExtraGradients {
  readonly value: tf.Scalar;
  readonly gradients: tf.NamedTensorMap;
}

const stateOf = (engine: ReturnType<typeof tf.engine>) => engine.state as unknown as EngineState;

/** Like `tf.variableGrads`, but content if no variable has a gradient. */
function someGradients(f: () => tf.Scalar, variables: readonly tf.Variable[]) {
  const list = variables.filter((v) => v.trainable);
  const { value, grads } = tf.engine().gradients(f, list, undefined, true);
  return { value, grads: Object.fromEntries(list.map(({ name }, i) => [name, grads[i]])) };
}

/**
 * Value and gradients from a further call of a closure, kept: the caller disposes them. A closure
 * of `model.fit` keeps one tensor per metric in each call; those of extra calls are disposed here.
 */
export function extraGradients(
  f: () => tf.Scalar,
  variables: readonly tf.Variable[] | undefined,
  options: ExtraCallOptions = {},
): ExtraGradients {
  const engine = tf.engine();
  const alone = stateOf(engine).scopeStack.length === 0;
  let track: readonly tf.Tensor[] = [];
  // Inside the closure, since each gradient runs it in a scope of its own.
  const watched = () => {
    engine.startScope("precond");
    let value: tf.Scalar | undefined;
    try {
      ({ track } = stateOf(engine).activeScope);
      return value = f();
    } finally {
      engine.endScope(value);
    }
  };
  const mine = new Set<tf.Tensor>();
  engine.startScope("precond gradients");
  try {
    const { value, grads } = withoutRemains(() =>
      options.constant
        ? someGradients(watched, variables ?? [])
        : tf.variableGrads(watched, variables && [...variables])
    );
    const found = Object.entries(grads).filter((g): g is [string, tf.Tensor] => g[1] != null);
    for (const t of [value, ...found.map(([, g]) => g)]) mine.add(tf.keep(t));
    return { value: value as tf.Scalar, gradients: Object.fromEntries(found) };
  } finally {
    engine.endScope();
    // What the backward pass had saved is disposed by now; what is still kept, the closure kept.
    for (const t of track) {
      if (!t.kept || t.isDisposed || t instanceof tf.Variable || mine.has(t)) continue;
      if (alone && options.kept) options.kept.add(t);
      else t.dispose();
    }
  }
}
