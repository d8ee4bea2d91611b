/** @module */
import type { Builder } from "../graph/builder.ts";
import { createBuilder } from "../graph/create_builder.ts";
import { NEWEST_OPSET, OLDEST_OPSET } from "../graph/load_graph_with.ts";
import type { RuleLookup } from "../graph/rule.ts";
import type { Dim } from "../graph/dims.ts";
import { create } from "../proto/create.ts";
import {
  GraphProto,
  ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "../proto/onnx_pb.ts";
import type { AttributeValue } from "./attributes.ts";
import { DataType, type TensorArray } from "./data_type.ts";
import { OnnxError } from "./onnx_error.ts";
import { makeTensor } from "./tensor.ts";
import type { typedAttribute } from "./typed_attribute.ts";
import { declaration, valueInfo } from "./value_info.ts";

/** A model under construction; values are named by strings. */
export interface ModelBuilder {
  /** A graph input; a string among `dims` is a symbolic size. Returns its name. */
  input(name: string, dims: readonly Dim[], dataType?: DataType): string;
  /** An initializer. Float32Array, Float64Array and BigInt64Array know their type. */
  parameter(name: string, dims: readonly number[], data: TensorArray): string;
  /**
   * A node with one output, whose name is made up unless `output` gives it. Numbers among the
   * attributes become floats or integers as the operator wants them.
   */
  op(
    opType: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue | undefined>>,
    output?: string,
  ): string;
  /** A node with several outputs. */
  node(
    opType: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue | undefined>>,
    domain?: string,
  ): void;
  /** Declares a value to be an output of the model. */
  output(value: string): void;
  /** The shape of a value as far as it is known. */
  dims(value: string): readonly Dim[] | undefined;
  /** The element type of a value as far as it is known. */
  dataType(value: string): DataType | undefined;
  /** The model; initializers share their arrays with it. */
  build(): ModelProto;
}

/** What makes attributes, at hand or to be loaded. */
export interface AttributeParts {
  readonly typedAttribute: typeof typedAttribute;
}

/** What was added to a graph, in this order. */
export interface Added {
  readonly nodes: readonly NodeProto[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly initializers: readonly TensorProto[];
  /** Of the nodes, without the default one. */
  readonly domains: readonly string[];
}

/** Where what is added goes. */
export interface Growing {
  /** Knows the values there are. */
  readonly b: Builder;
  /** That nodes are written for. */
  readonly opset: number;
  /** Outputs that there are. */
  readonly outputs: readonly string[];
  /** What turns values into attributes, at hand or to be loaded. */
  readonly attributes: AttributeParts;
  /** Adds a node, types inferred. */
  append(node: NodeProto): void;
  /** Makes the model. */
  finish(added: Added): ModelProto;
}

/** What builds models, at hand or to be loaded. */
export interface BuilderParts extends AttributeParts {
  readonly lookup: RuleLookup;
}

/** `buildModel()`, from given parts. */
export function buildModelWith(parts: BuilderParts, opset: number = 18): ModelBuilder {
  if (!(Number.isInteger(opset) && opset >= OLDEST_OPSET && opset <= NEWEST_OPSET)) {
    throw new RangeError(
      `Cannot build a model: the operator set must be a whole number from ${OLDEST_OPSET} to ` +
        `${NEWEST_OPSET}, current value is ${JSON.stringify(opset)}`,
    );
  }
  const b = createBuilder(opset, parts.lookup);
  return modelBuilder({
    b,
    opset,
    outputs: [],
    attributes: parts,
    append: (node) => b.append(node),
    finish: ({ nodes, inputs, outputs, initializers, domains }) =>
      create(ModelProto, {
        irVersion: opset >= 21 ? 10n : 8n,
        producerName: "precond",
        opsetImport: [
          { domain: "", version: BigInt(opset) },
          ...domains.map((domain) => ({ domain, version: 1n })),
        ],
        graph: create(GraphProto, {
          name: "model",
          node: [...nodes],
          input: [...inputs],
          output: [...outputs],
          initializer: [...initializers],
        }),
      }),
  });
}

/** A builder of a graph that there is, or of a new one. */
export function modelBuilder(growing: Growing): ModelBuilder {
  const { b, opset, outputs: given, append, finish } = growing;
  const nodes: NodeProto[] = [];
  const inputs: ValueInfoProto[] = [];
  const outputs: string[] = [];
  const parameters: string[] = [];
  const domains = new Set<string>();

  const m: ModelBuilder = {
    input(name, dims, dataType = DataType.FLOAT) {
      if (b.type(name) !== undefined) throw taken("input", name);
      if (typeof name !== "string" || name === "") {
        throw new OnnxError(`Cannot add an input: its name is ${JSON.stringify(name)}`);
      }
      const sizes = Array.isArray(dims) &&
        dims.every((d) => typeof d === "string" ? d !== "" : Number.isSafeInteger(d) && d >= 0);
      if (!sizes) {
        throw new OnnxError(
          `Cannot add the input "${name}": its shape must be whole numbers and names, as ["N", 3], ` +
            `current value is ${JSON.stringify(dims)}`,
        );
      }
      b.declare(name, { dataType, dims });
      inputs.push(declaration(name, dataType, dims));
      return name;
    },
    parameter(name, dims, data) {
      if (b.type(name) !== undefined) throw taken("parameter", name);
      b.initializers.set(name, makeTensor(name, typeOf(name, data), dims, data));
      parameters.push(name);
      return name;
    },
    op(opType, inputs, attributes = {}, output = b.fresh(opType.toLowerCase())) {
      m.node(opType, inputs, [output], attributes);
      return output;
    },
    node(opType, inputs, outputs, attributes = {}, domain = "") {
      for (const name of outputs) {
        if (b.type(name) !== undefined || b.producer(name) !== undefined) {
          throw taken("output", name);
        }
      }
      for (const name of inputs) {
        if (name !== "" && b.type(name) === undefined && b.producer(name) === undefined) {
          throw new OnnxError(`Cannot add ${opType}: there is no value "${name}"`);
        }
      }
      const attribute = Object.entries(attributes).flatMap(([name, value]) =>
        value === undefined
          ? []
          : [growing.attributes.typedAttribute({ opType, domain, opset }, name, value)]
      );
      const node = {
        input: [...inputs],
        output: [...outputs],
        name: `${outputs[0]}/${opType}`,
        opType,
        domain,
        overload: "",
        attribute,
        docString: "",
        metadataProps: [],
      };
      append(node);
      nodes.push(node);
      domains.add(domain);
    },
    output(value) {
      if (b.producer(value) === undefined) {
        throw new OnnxError(`Cannot make "${value}" an output: no node makes it`);
      }
      if (outputs.includes(value) || given.includes(value)) {
        throw new OnnxError(`Cannot make "${value}" an output: it is one`);
      }
      outputs.push(value);
    },
    dims: (value) => b.type(value)?.dims,
    dataType: (value) => b.type(value)?.dataType,
    build: () =>
      finish({
        nodes,
        inputs,
        outputs: outputs.map((name) => valueInfo(b, name)),
        initializers: parameters.map((name) => b.initializers.get(name)!),
        domains: [...domains].filter((domain) => domain !== ""),
      }),
  };
  return m;
}

const taken = (what: string, name: string) =>
  new OnnxError(`Cannot add the ${what} "${name}": the model already has a value of that name`);

function typeOf(name: string, data: TensorArray): DataType {
  if (data instanceof Float32Array) return DataType.FLOAT;
  if (data instanceof Float64Array) return DataType.DOUBLE;
  if (data instanceof BigInt64Array) return DataType.INT64;
  if (data instanceof Int32Array) return DataType.INT32;
  throw new OnnxError(
    `Cannot add the parameter "${name}": expected a Float32Array, Float64Array, Int32Array or ` +
      `BigInt64Array, actual is ${data.constructor.name}`,
  );
}
