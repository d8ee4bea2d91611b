/** @module */
import type { Backend } from "@precond/core/backend";
import type { ModelProto } from "@precond/onnx";
import type { Session } from "./create_session.ts";
import type { Tensor } from "./ort.ts";
import type { Capturer } from "./capture/capturer.ts";

/** Where parameters, gradients and state live, and how ONNX Runtime sees them. */
export interface Host<A> {
  readonly name: "cpu" | "webgpu";
  readonly backend: Backend<A>;
  /** Opens a graph whose outputs `resident` stay on the host's side. */
  open(model: ModelProto, resident: readonly string[]): Promise<Session>;
  /** A tensor over an array, without a copy. */
  tensor(array: A, dims: readonly number[]): Tensor;
  /** A tensor of one number for a run to write into; undefined where its result is better a new one. */
  number(dims: readonly number[]): Tensor | undefined;
  /** Whether a run writes into tensors that are handed in for its outputs. */
  readonly writesInPlace: boolean;
  /** Moves a result that was not written in place into an array. */
  take(result: Tensor, array: A): void;
  /** Frees what a run made besides `array`, where the result of that run is, and nobody else reads. */
  free(result: Tensor, array: A): void;
  /** Overwrites an array. */
  write(array: A, values: Float32Array): void;
  /** The first number of a result: the loss. */
  read(result: Tensor): Promise<number>;
  /** Arrays of one number each, read back together. */
  readNumbers(arrays: readonly A[]): Promise<Float32Array>;
  /** Opens captured sessions, where that can be. */
  capturer?(): Capturer;
  /** Frees what is not an array of the backend. */
  dispose(): void | Promise<void>;
}
