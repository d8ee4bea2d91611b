/** @module */
import { unknownAttribute } from "../model/attribute_kinds.ts";
import { makeAttribute } from "../model/attributes.ts";
import { arrayFor, DataType, isInteger } from "../model/data_type.ts";
import { halfBits } from "../model/half.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { makeTensor, tensorDims, tensorIntegers } from "../model/tensor.ts";
import { create } from "../proto/create.ts";
import { type AttributeProto, NodeProto, type TensorProto } from "../proto/onnx_pb.ts";
import type { Builder } from "./builder.ts";
import { keyOf, RANDOM } from "./common.ts";
import type { Dim } from "./dims.ts";
import { nodeContext } from "./node_context.ts";
import { type Rewrite, type RuleLookup, ruleOf } from "./rule.ts";
import type { ValueType } from "./value_type.ts";

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
    const key = keyOf(node);
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
      if (tensor === undefined || tensor.dims.length > 1 || !isInteger(tensor.dataType)) {
        return undefined;
      }
      if (tensor.dataLocation === 1) return undefined; // its data file was not given
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
      const key = RANDOM.test(opType)
        ? undefined
        : keyOf({ opType, domain, input: given, attribute, output: { length: count } });
      const same = key === undefined ? undefined : made.get(key);
      if (same !== undefined) {
        if (typeof outputs === "number") return [...same];
        outputs.forEach((name, k) => name !== "" && b.alias(same[k]!, name));
        return [...outputs];
      }
      const output = typeof outputs === "number"
        ? Array.from({ length: outputs }, () => b.fresh(`${opType}_g`))
        : [...outputs];
      const node = create(NodeProto, {
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
      const rule = ruleOf(lookup, node);
      if (unknownAttribute(node) === undefined && rewrite?.(n) === true) {
        remember(node);
        return;
      }
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
      b.append(create(NodeProto, {
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
