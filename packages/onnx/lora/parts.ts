/** @module */
import { freshNames } from "../graph/topology.ts";
import { type AttributeValue, makeAttribute } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { makeTensor } from "../model/tensor.ts";
import { create } from "../proto/create.ts";
import { type GraphProto, NodeProto, type TensorProto } from "../proto/onnx_pb.ts";

/** What adapters of a graph are made of: names, constants that they share, nodes. */
export interface Parts {
  readonly initializers: TensorProto[];
  /** A name that the graph does not have. */
  fresh(base: string): string;
  /** A stored tensor; its name. */
  store(base: string, dataType: DataType, dims: readonly number[], data: Float32Array): string;
  /** alpha/rank; undefined where it is 1. */
  scale(dataType: DataType): string | undefined;
  /** The ratio of dropout and the flag of its training mode; undefined where nothing is dropped. */
  dropout(dataType: DataType): readonly [ratio: string, training: string] | undefined;
  /** A node with one output, which it names unless `output` does. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue>>,
    output?: string,
  ): NodeProto;
}

/** What all adapters have in common. */
export interface Common {
  /** alpha/rank. */
  readonly scale: number;
  readonly dropout: number;
}

/** Makes the parts for one graph. */
export function createParts(graph: GraphProto, { scale, dropout }: Common): Parts {
  const fresh = freshNames(graph);
  const initializers: TensorProto[] = [];
  const shared = new Map<string, string>();
  const put = (tensor: (name: string) => TensorProto, base: string) => {
    const name = fresh(base);
    initializers.push(tensor(name));
    return name;
  };
  const once = (base: string, dataType: DataType, tensor: (name: string) => TensorProto) => {
    const key = `${base} ${dataType}`;
    const name = shared.get(key) ?? put(tensor, base);
    shared.set(key, name);
    return name;
  };
  const number = (value: number, dataType: DataType) => (name: string) =>
    makeTensor(
      name,
      dataType,
      [],
      dataType === DataType.DOUBLE ? Float64Array.of(value) : Float32Array.of(value),
    );
  return {
    initializers,
    fresh,
    store: (base, dataType, dims, data) =>
      put(
        (name) =>
          makeTensor(
            name,
            dataType,
            dims,
            dataType === DataType.DOUBLE ? new Float64Array(data) : data,
          ),
        base,
      ),
    scale: (dataType) =>
      scale === 1 ? undefined : once("lora_scale", dataType, number(scale, dataType)),
    dropout: (dataType) => {
      if (dropout === 0) return undefined;
      const training = once(
        "lora_training",
        DataType.BOOL,
        (name) => makeTensor(name, DataType.BOOL, [], Uint8Array.of(1)),
      );
      return [once("lora_dropout", dataType, number(dropout, dataType)), training];
    },
    node: (opType, inputs, attributes = {}, output = fresh(`lora_${opType.toLowerCase()}`)) =>
      create(NodeProto, {
        opType,
        name: `${output}/${opType}`,
        input: [...inputs],
        output: [output],
        attribute: Object.entries(attributes).map(([name, value]) => makeAttribute(name, value)),
      }),
  };
}
