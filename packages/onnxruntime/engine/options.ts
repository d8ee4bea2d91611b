/**
 * What a caller says about training.
 *
 * @module
 */
import type { Definition } from "@precond/core";
import type { Recompute, Trainable } from "@precond/onnx";
import type { InferenceSession } from "../hosts/ort.ts";

/** Options of `Trainer.create`. */
export interface TrainerOptions {
  /** Default: what the source asks for; for a plain model adamW(). */
  readonly optimizer?: Definition;
  /**
   * Parameters to train. Default: those of the artifacts; every float initializer of a plain model
   * that is neither a scalar (rank 0) nor a constant of its operator.
   */
  readonly trainable?: Trainable;
  /**
   * Parameters that are not trained, but fed in every run, so that they can be set. Default none:
   * what is not trained stays in the graph as it is.
   */
  readonly frozen?: readonly string[];
  /**
   * Whether Dropout and BatchNormalization work as in training during step(). Default: as the
   * model's nodes say; evaluation and prediction never do.
   */
  readonly training?: boolean;
  /**
   * As ONNX Runtime takes them; the first that is there decides where the update runs. Default ["cpu"].
   */
  readonly executionProviders?: InferenceSession.SessionOptions["executionProviders"];
  /** Numbers for symbolic sizes, such as `{ N: 64 }`; default none. WebGL needs all of them. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** Further options of every session; default none. */
  readonly sessionOptions?: InferenceSession.SessionOptions;
  /**
   * Whether the commands of a training graph are recorded in the first step and replayed in the
   * others, for less work on the CPU; on WebGPU of onnxruntime-web only. Every batch must have the
   * size of the first. In the second step ONNX Runtime runs the graph both ways, and the step fails if
   * the results differ. Default false.
   */
  readonly capture?: boolean;
  /**
   * Micro-batches (calls of step) that make one update, by the mean of their mean gradients: each
   * counts the same, also a smaller one. Default 1.
   */
  readonly accumulate?: number;
  /**
   * Seed of what is random: labels of curvature samples, signs, dropout; an integer from 0 to 2³² − 1.
   * Default 1.
   */
  readonly seed?: number;
  /**
   * What the backward pass computes again in place of keeping it, on the CPU: `{ keep: names }`, values
   * of the model between which it does, or `{ bytes, sizes }`, the most that is to be kept for it; `sizes`
   * default to those above. False: nothing. Default: what costs little (`differentiate()` of
   * `@precond/onnx`).
   */
  readonly recompute?: Recompute;
  /** Outputs of the model that step() returns. Default none. */
  readonly outputs?: readonly string[];
  /**
   * How Hutchinson samples are made: "exact" (default) by differentiating twice in the graph, or
   * "finiteDifferences" of two gradients at `w ± εz`.
   */
  readonly hutchinson?: "exact" | "finiteDifferences";
  /** ε of the finite differences, relative to nothing: absolute. Default 1e-3. */
  readonly differenceStep?: number;
}

/** Options of {@linkcode Trainer.step}. */
export interface StepOptions {
  /** Read the loss back; on WebGPU this is the only transfer of a step. Default true. */
  readonly readLoss?: boolean;
  /**
   * Examples in the batch. Default: the size of the axis that is the batch in the graph. Of the named
   * sizes of the inputs that is the one that the labels have; where they have several, the one called
   * "N", "B" or something with "batch", else the one that leads. Where no size has a name it is the first
   * axis of the labels, or without labels the first axis of all inputs, if they agree. The order of the
   * inputs has no part in it. Where the graph does not tell, the batch counts as one example, and
   * optimizers that need the number ask for it.
   */
  readonly batchSize?: number | undefined;
  /** Curvature samples for userCurvature(), by parameter; default none. */
  readonly curvature?: Readonly<Record<string, Float32Array>>;
}

/** Options of `Trainer.computeGradients()` beside those of a step. */
export interface ComputeOptions {
  /**
   * Whether a curvature sample is computed, too, from the optimizer's source: what `curvatureDue` says of
   * the trainer that takes the step. Default false.
   */
  readonly sampleCurvature?: boolean;
}
