/** @module */
import type { Builder } from "../graph/builder.ts";
import type { Rewrite } from "../graph/rule.ts";
import type { ValueType } from "../graph/value_type.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";

/** Where a graph is to run: an execution provider of ONNX Runtime. */
export type Target = "cpu" | "webgpu" | "webgl";

/** A graph that a target is about to take. */
export interface Candidate {
  readonly b: Builder;
  readonly nodes: readonly NodeProto[];
}

/** What {@linkcode legalize} knows of a target; made anew for every model. */
export interface Legality {
  /** Written into nodes that the target runs; nodes left alone are checked by `refuses`. */
  readonly rewrite?: Rewrite;
  /** The element type in which a graph input is fed instead of its own. */
  readonly retype?: (name: string, type: ValueType) => ValueType;
  /** Why the target does not run a node; undefined if it does. */
  readonly refuses?: (node: NodeProto, candidate: Candidate) => string | undefined;
  /** Whether what the backward pass computes again stays so; else the forward values are kept. */
  readonly keepsLate?: boolean;
  /** Last changes to the finished model: another operator set. */
  readonly finish?: (model: ModelProto, b: Builder) => ModelProto;
}

/** What a target may want to know of a session. */
export interface SessionTraits {
  /** Threads that compute one operator. */
  readonly threads: number;
}

/** Makes what {@linkcode legalize} knows of a target. */
export type MakeLegality = (model: ModelProto, session: SessionTraits) => Legality;
