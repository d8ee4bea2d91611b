/**
 * What a graph that grows can do; `create_builder.ts` makes one.
 *
 * @module
 */
import type { AttributeValue } from "../model/attributes.ts";
import type { DataType } from "../model/data_type.ts";
import type { NodeProto, TensorProto } from "../proto/onnx_pb.ts";
import type { Dim } from "./dims.ts";
import type { ValueType } from "./value_type.ts";

/** How {@linkcode Builder.node} makes a node. */
export interface NodeOptions {
  /** Number of outputs, or their names. Default 1. */
  readonly outputs?: number | readonly string[];
  readonly domain?: string;
}

/** A number, or the name of a value. */
export type Operand = string | number;

/**
 * A graph that grows at its end: each node's types are inferred as it is added, and a node that
 * repeats an earlier one is not added again (common subexpressions), so that rules may ask for the
 * same thing twice at no cost.
 */
export interface Builder {
  /** Version of the default operator set that is written: at least 18. */
  readonly opset: number;
  readonly nodes: NodeProto[];
  readonly initializers: Map<string, TensorProto>;
  /**
   * Mode of the operators that behave differently in training: true and false force it, undefined
   * leaves it as the nodes say.
   */
  readonly training: boolean | undefined;
  /** Graph inputs that rules asked for. */
  readonly requested: ReadonlyMap<string, ValueType>;
  /** For each running statistic that is updated in training the name of its new value. */
  readonly statistics: Map<string, string>;
  /** For each size that is unknown and was asked for the vector of one element that holds it. */
  readonly sizes: Map<string, string>;

  /** Name of a graph input that rules share; the first that asks adds it. */
  requestInput(name: string, type: ValueType): string;
  /** 0, 1, 2, … for each kind of thing. */
  serial(kind: string): number;
  /** What is known of a value. */
  type(name: string): ValueType | undefined;
  /** Declares a value (a graph input) or refines what is known of one. */
  declare(name: string, type: ValueType): void;
  /** Shape of a value; refuses one whose rank is unknown. */
  dims(name: string): readonly Dim[];
  /** Element type of a value; refuses one whose type is unknown. */
  dataType(name: string): DataType;
  /** Contents of an integer value of rank ≤ 1, where they are known. */
  known(name: string): readonly Dim[] | undefined;
  /** The node that computes a value. */
  producer(name: string): NodeProto | undefined;
  /** A name that the graph does not have. */
  fresh(base: string): string;
  /** A dimension of unknown size. */
  freshDim(): string;

  /** Adds a node; names of its outputs. */
  node(
    opType: string,
    inputs: readonly (string | undefined)[],
    attributes?: Readonly<Record<string, AttributeValue | undefined>>,
    options?: NodeOptions,
  ): string[];
  /** Adds a node with one output. */
  op(
    opType: string,
    inputs: readonly (string | undefined)[],
    attributes?: Readonly<Record<string, AttributeValue | undefined>>,
  ): string;
  /** Adds an existing node as it is (types inferred). */
  append(node: NodeProto): void;
  /** Gives a value a second name, by an Identity. */
  alias(value: string, name: string): void;
  /** A constant tensor; equal ones are shared. */
  constant(values: readonly number[], dataType: DataType, dims?: readonly number[]): string;
  /** The number that a scalar made by this builder holds. */
  scalarValue(name: string): number | undefined;
  /** An int64 vector. */
  ints(values: readonly number[]): string;
  /** A scalar with the element type of `like`. */
  scalar(value: number, like: string): string;
}
