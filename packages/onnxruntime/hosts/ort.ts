/**
 * What this package uses of ONNX Runtime: the caller passes onnxruntime-node or -web in.
 *
 * @module
 */
import type { InferenceSession, Tensor, TensorFactory } from "onnxruntime-common";

export type { InferenceSession, Tensor };

/** A build of ONNX Runtime: `import * as ort from "onnxruntime-node"`, or any of onnxruntime-web. */
export interface Ort {
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options?: InferenceSession.SessionOptions,
    ): Promise<InferenceSession>;
  };
  readonly Tensor:
    & (new (
      type: Tensor.Type,
      data: Tensor.DataType | readonly number[],
      dims: readonly number[],
    ) => Tensor)
    & Pick<TensorFactory, "fromGpuBuffer">;
  readonly env: object;
}

/** What is fed: a tensor of ONNX Runtime, or elements and a shape. */
export type Feed = Tensor | {
  readonly data: Exclude<Tensor.DataType, string[]>;
  readonly dims: readonly number[];
};

/** Values by the names of the graph's inputs. */
export type Feeds = Readonly<Record<string, Feed>>;
