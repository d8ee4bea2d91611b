/** @module */
import type { TensorProto } from "../proto/onnx_pb.ts";

/** What an optimizer keeps of one group of parameters. */
export interface OptimizerGroup {
  /** "group0" for the one group that ONNX Runtime knows. */
  readonly name: string;
  /** Steps taken. */
  readonly step: number;
  readonly initialLearningRate: number;
  /** For each parameter its tensors: "momentum0" (of g) and "momentum1" (of g²) for AdamW. */
  readonly momenta: ReadonlyMap<string, readonly TensorProto[]>;
}

/** The value of a property: bigint is int64, number is float32. */
export type PropertyValue = bigint | number | string;

/** A training checkpoint of ONNX Runtime. */
export interface Checkpoint {
  /** Trainable parameters, in no particular order: find them by name. */
  readonly parameters: readonly TensorProto[];
  readonly frozen: readonly TensorProto[];
  readonly optimizerGroups: readonly OptimizerGroup[];
  readonly properties: ReadonlyMap<string, PropertyValue>;
  /** Whether the tensors have names and shapes only: values come from elsewhere. */
  readonly nominal: boolean;
}

/** The files of a checkpoint folder of ONNX Runtime before 1.16, by name. */
export type CheckpointFolder = Readonly<Record<string, Uint8Array>>;
