/** @module */
import * as tf from "@tensorflow/tfjs-core";

/** What tfjs records of one operation; `gradient` runs in each backward pass that it lies on. */
export interface TapeNode {
  readonly kernelName: string;
  readonly inputs: tf.NamedTensorMap;
  readonly outputs: readonly tf.Tensor[];
  readonly saved?: readonly tf.Tensor[];
  gradient?: (dys: tf.Tensor[]) => Record<string, () => tf.Tensor>;
}

type GradientFunction = (dy: tf.Tensor, saved: tf.Tensor[]) => unknown;

/** What this pack uses of the engine: private in its types; as in tfjs 4.22. */
export interface TapeEngine {
  readonly state: {
    activeTape: TapeNode[] | null;
    /** How many gradients are recording. */
    readonly gradientDepth: number;
    readonly activeScope: { readonly track: readonly tf.Tensor[] };
  };
  addTapeNode(
    kernelName: string,
    inputs: tf.NamedTensorMap,
    outputs: tf.Tensor[],
    /** Given by `tf.customGrad` and by `clone`; kernels have theirs in the registry. */
    gradientFunction: GradientFunction | null | undefined,
    saved: tf.Tensor[],
    attrs: tf.NamedAttrMap | undefined,
  ): void;
  /** Copies what an operation saves for its gradient. */
  clone(x: tf.Tensor): tf.Tensor;
}

/** The engine, with its tape. */
export function tapeEngine(): TapeEngine {
  return tf.engine() as unknown as TapeEngine;
}
