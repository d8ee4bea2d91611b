/** @module */
import { unknownAttribute } from "../model/attribute_kinds.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import type { Builder } from "./builder.ts";
import type { Dim } from "./dims.ts";
import type { ValueType } from "./value_type.ts";

/** The types of a node's outputs; undefined where unknown. */
export type Infer = (n: NodeContext) => readonly (ValueType | undefined)[];

/** A node as its rule sees it. */
export interface NodeContext {
  readonly node: NodeProto;
  readonly b: Builder;
  /** Version of the default operator set that the node was written for. */
  readonly opset: number;
  /** Input names; "" where an optional one is absent. Always use {@linkcode input} to read one. */
  input(index: number): string | undefined;
  /** The type of an input, if it is known. */
  type(index: number): ValueType | undefined;
  /** The dims of an input, if its rank is known. */
  dims(index: number): readonly Dim[] | undefined;
  int(name: string, absent: number): number;
  float(name: string, absent: number): number;
  string(name: string, absent: string): string;
  ints(name: string): number[] | undefined;
  /** Refuses the node: `Cannot <action> <op> "<name>": <why>`. */
  refuse(action: string, why: string): never;
}

/** A node with the cotangents (∂loss/∂output) that reached it. */
export interface GradientContext extends NodeContext {
  /** Names of the node's outputs ("" where absent). */
  readonly outputs: readonly string[];
  /** ∂loss/∂output k, undefined where the loss does not depend on it. At least one is given. */
  readonly cotangents: readonly (string | undefined)[];
  /** The cotangent of output 0; refuses a node of which only another output is used. */
  cotangent(): string;
  /** Whether the gradient of input k is wanted; rules skip what is not. */
  wants(index: number): boolean;
}

/**
 * Everything that differentiation knows of one operator. A family of them is a file of `rules/`;
 * `rules/mod.ts` lists the families.
 */
export interface OperatorRule {
  readonly opType: string;
  /** Default: the standard operators. */
  readonly domain?: "" | "com.microsoft";
  /** Versions of the operator set in which the operator is understood, for the table in docs/onnx_operators.md. */
  readonly since: number;
  /** Inputs that are constants of the operator (statistics, bounds), not parameters by default. */
  readonly constants?: readonly number[];
  /**
   * Rewrites a node of an old operator set (or a contributed one) into nodes of the standard set at
   * `b.opset`, the outputs under their own names (`b.alias` or `b.node(…, {outputs: node.output})`).
   * Returns false for a node that needs no rewriting.
   */
  readonly upgrade?: (n: NodeContext) => boolean;
  /** Types of the outputs; undefined where unknown. Not called for nodes that `upgrade` rewrote. */
  readonly infer?: Infer;
  /**
   * The contents of an integer output of rank ≤ 1 where they are known from the inputs'
   * (`b.known(name)`): what shape arithmetic needs.
   */
  readonly evaluate?: (n: NodeContext) => readonly Dim[] | undefined;
  /**
   * The vector-Jacobian product: names of ∂loss/∂input k (undefined where zero or not wanted), made
   * of standard operators only, so that it can be differentiated again. "none": outputs do not
   * depend on the inputs differentiably (comparisons, shapes, indices).
   */
  readonly gradient?: ((n: GradientContext) => readonly (string | undefined)[]) | "none";
  /**
   * Instead of a gradient: writes the node's outputs, under their own names, by nodes that have one.
   * They take the node's place where it is differentiated; elsewhere it stays the one fast kernel.
   */
  readonly expand?: (n: NodeContext) => void;
}

/** Finds the rule of an operator. */
export type RuleLookup = (opType: string, domain: string) => OperatorRule | undefined;

/**
 * Tried on every node before it is added, also on those that it adds itself: true where it wrote the
 * node's outputs by other nodes, so that the node itself is left out.
 */
export type Rewrite = (n: NodeContext) => boolean;

/** The rule of a node; none where it has an attribute that its rule does not know. */
export function ruleOf(lookup: RuleLookup, node: NodeProto): OperatorRule | undefined {
  return unknownAttribute(node) === undefined ? lookup(node.opType, node.domain) : undefined;
}
