/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { tapeEngine } from "../second_order/_tape.ts";
import { fusedGradient, fusedKernels } from "./convolution.ts";

/** A layer class of tfjs-layers, as far as this pack changes it. */
interface Normalization {
  gamma?: { read(): tf.Tensor };
  beta?: { read(): tf.Tensor };
  readonly axis: number;
  call(inputs: tf.Tensor | tf.Tensor[], options: unknown): tf.Tensor | tf.Tensor[];
}

/**
 * Changes what cannot be put right in the registry of gradients, until the returned function is
 * called.
 */
export function hookEngine(): () => void {
  const undo = [completeBatchNorm(), dilateFused(), completeLayer()];
  return () => undo.reverse().forEach((f) => f());
}

/** Replaces a method of an object; whoever replaced it since keeps theirs. */
function replace<T extends object, K extends keyof T>(
  target: T,
  key: K,
  make: (original: T[K]) => T[K],
): () => void {
  const own = Object.hasOwn(target, key), original = target[key], replaced = make(original);
  target[key] = replaced;
  return () => {
    if (target[key] !== replaced) return;
    if (own) target[key] = original;
    else delete (target as Partial<T>)[key];
  };
}

/** Without scale or offset tfjs's tape trips over what is missing: they are 1 and 0. */
function completeBatchNorm(): () => void {
  const engine = tf.engine();
  return replace(engine, "runKernel", (runKernel) =>
    function (name, inputs, attrs) {
      if (name !== tf.FusedBatchNorm || (inputs.scale && inputs.offset)) {
        return runKernel.call(engine, name, inputs, attrs) as never;
      }
      const { shape } = inputs.mean!;
      const complete = {
        ...inputs,
        scale: inputs.scale ?? tf.ones(shape),
        offset: inputs.offset ?? tf.zeros(shape),
      };
      return runKernel.call(engine, name, complete, attrs) as never;
    });
}

/** The gradient function of a fused convolution refuses dilations; it is put in place of. */
function dilateFused(): () => void {
  const engine = tf.engine(), tape = tapeEngine();
  let attrsOfFused: tf.NamedAttrMap | undefined;
  const undoRun = replace(engine, "runKernel", (runKernel) =>
    function (name, inputs, attrs) {
      if (fusedKernels.includes(name)) attrsOfFused = attrs;
      return runKernel.call(engine, name, inputs, attrs) as never;
    });
  const undoTape = replace(
    tape,
    "addTapeNode",
    (addTapeNode) =>
      function (name, inputs, outputs, gradient, saved, attrs) {
        const dilated = gradient && attrsOfFused ? fusedGradient(name, attrsOfFused) : undefined;
        if (dilated) attrsOfFused = undefined;
        addTapeNode.call(tape, name, inputs, outputs, dilated ?? gradient, saved, attrs);
      },
  );
  return () => {
    undoTape();
    undoRun();
  };
}

/** The layer reads gamma and beta in training even where it has none. */
function completeLayer(): () => void {
  const known = tf.serialization.SerializationMap.getMap().classNameMap;
  const found = known["BatchNormalization"]?.[0] as unknown as
    | { readonly prototype: Normalization }
    | undefined;
  if (!found) return () => {}; // tfjs-layers is not there
  return replace(
    found.prototype,
    "call",
    (call) =>
      function (this: Normalization, inputs, options) {
        const missing = (["gamma", "beta"] as const).filter((key) => this[key] === undefined);
        if (missing.length === 0) return call.call(this, inputs, options);
        const x = Array.isArray(inputs) ? inputs[0]! : inputs;
        const shape = [x.shape[this.axis < 0 ? this.axis + x.rank : this.axis]!];
        try {
          for (const key of missing) {
            this[key] = { read: () => key === "gamma" ? tf.ones(shape) : tf.zeros(shape) };
          }
          return tf.tidy(() => call.call(this, inputs, options));
        } finally {
          for (const key of missing) delete this[key];
        }
      },
  );
}
