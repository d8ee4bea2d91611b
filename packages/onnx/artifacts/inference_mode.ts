/** @module */
import { intAttribute } from "../model/attributes.ts";
import { create } from "../proto/create.ts";
import { type GraphProto, type ModelProto, NodeProto } from "../proto/onnx_pb.ts";

/** Input of an operator that says whether it drops. */
const MODES: Readonly<Record<string, number>> = {
  ":Dropout": 2,
  "com.microsoft:BitmaskDropout": 2,
  "com.microsoft:BiasDropout": 4,
  "com.microsoft:BitmaskBiasDropout": 4,
};

/**
 * A model whose nodes work as in inference, in its functions and in bodies, too: exporters write
 * networks in training mode with dropout and batch normalization turned on. The same model where
 * nothing is to be done.
 */
export function inferenceMode(model: ModelProto): ModelProto {
  const graph = graphOf(model.graph!);
  const functions = model.functions.map((f) => {
    const node = nodesOf(f.node);
    return node === f.node ? f : { ...f, node };
  });
  const same = graph === model.graph && functions.every((f, k) => f === model.functions[k]);
  return same ? model : { ...model, graph, functions };
}

function graphOf(graph: GraphProto): GraphProto {
  const node = nodesOf(graph.node);
  return node === graph.node ? graph : { ...graph, node };
}

function nodesOf(nodes: NodeProto[]): NodeProto[] {
  const changed = nodes.map((node) => changedNode(withBodies(node)));
  return changed.every((list, k) => list.length === 1 && list[0] === nodes[k])
    ? nodes
    : changed.flat();
}

function withBodies(node: NodeProto): NodeProto {
  const attribute = node.attribute.map((a) => {
    const g = a.g === undefined ? undefined : graphOf(a.g);
    const graphs = a.graphs.map(graphOf);
    const same = g === a.g && graphs.every((graph, k) => graph === a.graphs[k]);
    return same ? a : { ...a, ...(g === undefined ? {} : { g }), graphs };
  });
  return attribute.every((a, k) => a === node.attribute[k]) ? node : { ...node, attribute };
}

function changedNode(node: NodeProto): NodeProto[] {
  const domain = node.domain === "ai.onnx" ? "" : node.domain;
  const mode = MODES[`${domain}:${node.opType}`];
  if (mode !== undefined && (node.input[mode] ?? "") !== "") {
    return [{ ...node, input: node.input.slice(0, mode) }];
  }
  const named = (k: number) => (node.output[k] ?? "") !== "";
  // What ONNX Runtime's generator of training artifacts makes of batch normalization.
  const internal = domain === "com.microsoft" && node.opType === "BatchNormInternal";
  if (!internal && (node.opType !== "BatchNormalization" || domain !== "")) return [node];
  const training = internal || intAttribute(node, "training_mode", 0) !== 0;
  if (!training && ![1, 2, 3, 4].some(named)) return [node];
  // The statistics that it gives out are those that it was given: nothing updates them.
  const copies = (internal ? [1, 2] : [1, 2, 3, 4]).filter(named).map((k) =>
    create(NodeProto, {
      opType: "Identity",
      name: `${node.name}/${node.output[k]}`,
      input: [node.input[k % 2 === 1 ? 3 : 4]!],
      output: [node.output[k]!],
    })
  );
  const attribute = node.attribute.filter((a) => a.name !== "training_mode");
  const own = { domain: "", opType: "BatchNormalization", attribute };
  return [{ ...node, ...own, output: node.output.slice(0, 1) }, ...copies];
}
