/** @module */
import { create } from "@bufbuild/protobuf";
import { type AttributeValue, makeAttribute } from "../model/attributes.ts";
import { arrayFor, DataType, isFloating } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { makeTensor, tensorDims, tensorIntegers } from "../model/tensor.ts";
import {
  type AttributeProto,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
} from "../proto/onnx_pb.ts";
import { nodeContext } from "../rules/node_context.ts";
import type { NodeContext, OperatorRule, ValueType } from "../rules/rule.ts";
import { broadcastDims, type Dim } from "./dims.ts";

/** Finds the rule of an operator. */
export type RuleLookup = (opType: string, domain: string) => OperatorRule | undefined;

/**
 * Tried on every node before it is added, also on those that it adds itself: true where it wrote the
 * node's outputs by other nodes, so that the node itself is left out.
 */
export type Rewrite = (n: NodeContext) => boolean;

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

/** Operators whose result differs from call to call: never merged. */
export const RANDOM: RegExp = /^(Random|Bernoulli|Multinomial|Dropout$)/;

/** An empty graph with a set of rules; `reserved` names are never made up. */
export function createBuilder(
  opset: number,
  lookup: RuleLookup,
  reserved: ReadonlySet<string> = new Set(),
  training?: boolean,
  rewrite?: Rewrite,
): Builder {
  const nodes: NodeProto[] = [];
  const initializers = new Map<string, TensorProto>();
  const types = new Map<string, ValueType>();
  const contents = new Map<string, readonly Dim[]>();
  const producers = new Map<string, NodeProto>();
  const made = new Map<string, readonly string[]>();
  const constants = new Map<string, string>();
  const counters = new Map<string, number>();
  let unknowns = 0;

  const scalars = new Map<string, number>();
  const requested = new Map<string, ValueType>();
  const requests = new Map<string, string>();
  const serials = new Map<string, number>();

  const remember = (node: NodeProto) => {
    if (RANDOM.test(node.opType)) return;
    const key = keyOf(node.opType, node.domain, node.input, node.attribute, node.output.length);
    if (key !== undefined && !made.has(key)) made.set(key, node.output);
  };

  const taken = (name: string) =>
    reserved.has(name) || types.has(name) || producers.has(name) || initializers.has(name);

  const b: Builder = {
    opset,
    nodes,
    initializers,
    training,
    requested,
    statistics: new Map(),
    sizes: new Map(),
    requestInput(name, type) {
      const found = requests.get(name);
      if (found !== undefined) return found;
      const input = b.fresh(name);
      b.declare(input, type);
      requests.set(name, input);
      requested.set(input, type);
      return input;
    },
    serial(kind) {
      const count = serials.get(kind) ?? 0;
      serials.set(kind, count + 1);
      return count;
    },
    type(name) {
      const type = types.get(name);
      if (type !== undefined) return type;
      const tensor = initializers.get(name);
      if (tensor === undefined) return undefined;
      const found = { dataType: tensor.dataType, dims: tensorDims(tensor) };
      types.set(name, found);
      return found;
    },
    declare(name, type) {
      types.set(name, type);
    },
    dims(name) {
      const dims = b.type(name)?.dims;
      if (dims === undefined) {
        throw new OnnxError(`Cannot differentiate through "${name}": its rank is not known`, {
          node: name,
        });
      }
      return dims;
    },
    dataType(name) {
      const type = b.type(name);
      if (type === undefined) {
        throw new OnnxError(`Cannot differentiate through "${name}": its type is not known`, {
          node: name,
        });
      }
      return type.dataType;
    },
    known(name) {
      const found = contents.get(name);
      if (found !== undefined) return found;
      const tensor = initializers.get(name);
      if (tensor === undefined || tensor.dims.length > 1 || isFloating(tensor.dataType)) {
        return undefined;
      }
      if (tensor.dims.length === 1 && tensor.dims[0]! > 64n) return undefined;
      const values = tensorIntegers(tensor);
      contents.set(name, values);
      return values;
    },
    producer: (name) => producers.get(name),
    fresh(base) {
      for (;;) {
        const count = counters.get(base) ?? 0;
        counters.set(base, count + 1);
        const name = count === 0 ? base : `${base}_${count}`;
        if (!taken(name)) return name;
      }
    },
    freshDim: () => `unknown_${unknowns++}`,
    node(opType, inputs, attributes = {}, options = {}) {
      const { outputs = 1, domain = "" } = options;
      const attribute: AttributeProto[] = [];
      for (const [name, value] of Object.entries(attributes)) {
        if (value !== undefined) attribute.push(makeAttribute(name, value));
      }
      const given = inputs.map((name) => name ?? "");
      while (given.length > 0 && given[given.length - 1] === "") given.pop();
      const count = typeof outputs === "number" ? outputs : outputs.length;
      const key = RANDOM.test(opType) ? undefined : keyOf(opType, domain, given, attribute, count);
      const same = key === undefined ? undefined : made.get(key);
      if (same !== undefined) {
        if (typeof outputs === "number") return [...same];
        outputs.forEach((name, k) => name !== "" && b.alias(same[k]!, name));
        return [...outputs];
      }
      const output = typeof outputs === "number"
        ? Array.from({ length: outputs }, () => b.fresh(`${opType}_g`))
        : [...outputs];
      const node = create(NodeProtoSchema, {
        opType,
        domain,
        name: b.fresh(`${output.find((o) => o !== "")}/${opType}`),
        input: given,
        output,
        attribute,
      });
      b.append(node);
      return output;
    },
    op: (opType, inputs, attributes) => b.node(opType, inputs, attributes)[0]!,
    append(node) {
      const n = nodeContext(node, b, opset);
      if (rewrite?.(n) === true) {
        remember(node);
        return;
      }
      const rule = lookup(node.opType, node.domain);
      nodes.push(node);
      const inferred = rule?.infer?.(n) ?? [];
      node.output.forEach((name, k) => {
        if (name === "") return;
        const type = inferred[k];
        // A declared shape (value_info) is the fall-back, and fills in what inference left open.
        if (type !== undefined) types.set(name, refined(type, types.get(name)));
        producers.set(name, node);
      });
      const values = rule?.evaluate?.(n);
      if (values !== undefined && node.output[0] !== undefined) {
        contents.set(node.output[0], values);
      }
      remember(node);
    },
    alias(value, name) {
      b.append(create(NodeProtoSchema, {
        opType: "Identity",
        name: b.fresh(`${name}/Identity`),
        input: [value],
        output: [name],
      }));
    },
    constant(values, dataType, dims = [values.length]) {
      const key = `${dataType}:${dims}:${values.map((v) => Object.is(v, -0) ? "-0" : v)}`;
      const found = constants.get(key);
      if (found !== undefined) return found;
      const name = b.fresh(values.length === 1 ? `constant_${values[0]}` : "constant");
      initializers.set(name, makeTensor(name, dataType, dims, typed(values, dataType, name)));
      constants.set(key, name);
      if (dims.length === 0) scalars.set(name, values[0]!);
      return name;
    },
    scalarValue: (name) => scalars.get(name),
    ints: (values) => b.constant(values, DataType.INT64),
    scalar: (value, like) => b.constant([value], b.dataType(like), []),
  };
  return b;
}

/** What identifies a computation; undefined for nodes with bodies, which are not compared. */
export function keyOf(
  opType: string,
  domain: string,
  inputs: readonly string[],
  attributes: readonly AttributeProto[],
  outputs: number,
): string | undefined {
  if (attributes.some((a) => a.g !== undefined || a.graphs.length > 0)) return undefined;
  const list = attributes.map((a) =>
    `${a.name}=${a.i ?? ""}|${a.f ?? ""}|${a.s ?? ""}|${a.ints}|${a.floats}|${a.strings}|${
      a.t === undefined ? "" : `${a.t.dataType}:${a.t.dims}:${
        a.t.rawData ?? JSON.stringify([
          a.t.floatData,
          a.t.int32Data,
          a.t.doubleData,
          a.t.int64Data.map(String),
        ])
      }`
    }`
  ).sort();
  return `${domain}:${opType}:${outputs}(${inputs})${list}`;
}

function typed(values: readonly number[], dataType: DataType, name: string) {
  const data = new (arrayFor(dataType, name))(values.length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    values.forEach((v, i) => data[i] = BigInt(v));
  } else if (dataType === DataType.FLOAT16) {
    values.forEach((v, i) => data[i] = halfBits(v));
  } else if (dataType === DataType.BFLOAT16) {
    values.forEach((v, i) => data[i] = new Uint32Array(new Float32Array([v]).buffer)[0]! >>> 16);
  } else {
    values.forEach((v, i) => data[i] = v);
  }
  return data;
}

/** The bits of a number as IEEE 754 binary16, rounded to nearest even. */
export function halfBits(value: number): number {
  const bits = new Uint32Array(new Float32Array([value]).buffer)[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return sign | 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundToEven(magnitude * 2 ** 24);
  const exponent = Math.floor(Math.log2(magnitude));
  const mantissa = roundToEven((magnitude / 2 ** exponent - 1) * 1024);
  return sign | (((exponent + 15) << 10) + mantissa);
}

function roundToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** What inference found, with numbers from the declaration where inference has only symbols. */
function refined(found: ValueType, declared: ValueType | undefined): ValueType {
  if (declared?.dims === undefined) return found;
  if (found.dims === undefined) return { dataType: found.dataType, dims: declared.dims };
  if (found.dims.length !== declared.dims.length) return found;
  const dims = found.dims.map((d, i) =>
    typeof d === "string" && d.startsWith("unknown_") ? declared.dims![i]! : d
  );
  return { dataType: found.dataType, dims };
}

/** The broadcast shape of values, with new names for sizes that cannot be known. */
export function broadcastOf(
  b: Builder,
  shapes: readonly (readonly Dim[] | undefined)[],
): Dim[] | undefined {
  if (shapes.some((s) => s === undefined)) return undefined;
  return broadcastDims(shapes as readonly (readonly Dim[])[]).map((d) => d ?? b.freshDim());
}
