/** @module */
import type { AttributeProto, GraphProto, ModelProto, TensorProto } from "../proto/onnx_pb.ts";

/** Every tensor of a model: initializers, sparse ones, attributes, those of bodies and functions. */
export function* tensorsOf(model: ModelProto): Generator<TensorProto> {
  if (model.graph !== undefined) yield* tensorsOfGraph(model.graph);
  for (const body of model.functions) {
    for (const node of body.node) yield* tensorsOfAttributes(node.attribute);
    yield* tensorsOfAttributes(body.attributeProto);
  }
}

function* tensorsOfGraph(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const sparse of graph.sparseInitializer) {
    if (sparse.values !== undefined) yield sparse.values;
    if (sparse.indices !== undefined) yield sparse.indices;
  }
  for (const node of graph.node) yield* tensorsOfAttributes(node.attribute);
}

function* tensorsOfAttributes(attributes: readonly AttributeProto[]): Generator<TensorProto> {
  for (const attribute of attributes) {
    if (attribute.t !== undefined) yield attribute.t;
    yield* attribute.tensors;
    for (const sparse of [attribute.sparseTensor, ...attribute.sparseTensors]) {
      if (sparse?.values !== undefined) yield sparse.values;
      if (sparse?.indices !== undefined) yield sparse.indices;
    }
    if (attribute.g !== undefined) yield* tensorsOfGraph(attribute.g);
    for (const graph of attribute.graphs) yield* tensorsOfGraph(graph);
  }
}
