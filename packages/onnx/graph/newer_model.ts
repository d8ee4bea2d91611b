/** @module */
import { makeAttribute } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { makeTensor } from "../model/tensor.ts";
import { create } from "../proto/create.ts";
import {
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  NodeProto,
  type ValueInfoProto,
} from "../proto/onnx_pb.ts";
import { constantNode } from "./constant_node.ts";
import { newerNode, type Surroundings } from "./newer_operators.ts";
import { freshNames } from "./topology.ts";

/** The operator set that older models are brought to: the first that has all that this takes. */
const NEWER_OPSET = 8;

const isStandard = ({ domain }: { readonly domain: string }) =>
  domain === "" || domain === "ai.onnx";

/**
 * A model of the operator sets 1 to 6 in set 8, with NumPy's broadcasting: parameters, inputs, outputs
 * and values keep their names. The same model where it is newer, or names no operator set.
 *
 * @throws {OnnxError} For a node that has no newer form.
 */
export function newerModel(model: ModelProto): ModelProto {
  const version = Number(model.opsetImport.find(isStandard)?.version ?? 0n);
  if (model.graph === undefined || version < 1 || version >= 7) return model;
  return {
    ...model,
    opsetImport: model.opsetImport.map((entry) =>
      isStandard(entry) ? { ...entry, version: BigInt(NEWER_OPSET) } : entry
    ),
    graph: newerGraph(model.graph, version, new Map(), freshNames(model.graph)),
  };
}

function newerGraph(
  graph: GraphProto,
  version: number,
  outer: ReadonlyMap<string, number>,
  fresh: (base: string) => string,
): GraphProto {
  const ranks = new Map([...outer, ...ranksIn(graph)]);
  const nodes: NodeProto[] = [];
  for (const node of graph.node) {
    const base = `${node.output[0]}/newer`;
    const around: Surroundings = {
      rank: (name) => ranks.get(name),
      add(opType, input, attributes = {}) {
        const output = fresh(base);
        const attribute = Object.entries(attributes).map(([k, value]) => makeAttribute(k, value));
        const name = output;
        nodes.push(
          create(NodeProto, { opType, name, input: [...input], output: [output], attribute }),
        );
        return output;
      },
      ints(values) {
        const data = BigInt64Array.from(values, BigInt);
        const tensor = makeTensor(fresh(base), DataType.INT64, [values.length], data);
        nodes.push(constantNode(tensor));
        return tensor.name;
      },
    };
    const newer = newerNode(node, version, around);
    const attribute = newer.attribute.map((a): AttributeProto =>
      a.g === undefined ? a : { ...a, g: newerGraph(a.g, version, ranks, fresh) }
    );
    nodes.push({ ...newer, attribute });
  }
  return { ...graph, node: nodes };
}

/** The ranks that a file says. */
function ranksIn({ input, output, valueInfo, initializer }: GraphProto): [string, number][] {
  const declared = ({ name, type }: ValueInfoProto): [string, number][] => {
    const shape = type?.value?.$case === "tensorType" ? type.value.value.shape : undefined;
    return shape === undefined ? [] : [[name, shape.dim.length]];
  };
  return [
    ...[...valueInfo, ...output, ...input].flatMap(declared),
    ...initializer.map(({ name, dims }): [string, number] => [name, dims.length]),
  ];
}
