/** @module */
import { loadGraphWith } from "../graph/load_graph_with.ts";
import type { ModelProto, TensorProto, ValueInfoProto } from "../proto/onnx_pb.ts";
import { type ClassLabels, classLabels } from "./class_labels.ts";
import {
  assemble,
  checkGrowthOptions,
  type DifferentiateOptions,
  fedBy,
  keptOutputs,
  lossOf,
  valuesOf,
} from "./growth.ts";
import type { GraphParts } from "./graph_parts.ts";
import { chooseTrainable } from "./trainable.ts";

/** What `lossGraph()` returns. */
export interface LossGraph {
  readonly model: ModelProto;
  /** Name of the loss; undefined if none was asked for. */
  readonly loss: string | undefined;
  /** Parameters, which are graph inputs as in the gradient graph. */
  readonly parameters: readonly string[];
  /** Initial values of the initializers that became inputs. */
  readonly values: ReadonlyMap<string, TensorProto>;
  /** What inputs with class indices may hold, where the number of classes is known. */
  readonly labels: ReadonlyMap<string, ClassLabels>;
}

/** `lossGraph()`, from given parts. */
export function makeLossGraph(
  parts: GraphParts,
  model: ModelProto,
  options: DifferentiateOptions,
): LossGraph {
  checkGrowthOptions(options);
  const graph = loadGraphWith(parts, model, { training: options.training });
  const added: ValueInfoProto[] = [];
  const parameters = chooseTrainable(graph, options.trainable, parts);
  const loss = options.loss === undefined && options.output === undefined
    ? undefined
    : lossOf(graph, options, added, parts);
  const kept = keptOutputs(graph, options);
  const outputs = [...(loss === undefined ? [] : [loss]), ...kept.filter((name) => name !== loss)];
  const fed = fedBy(options, parameters);
  return {
    model: assemble(model, graph, { added, outputs, fed }),
    loss,
    parameters,
    values: valuesOf(graph, fed),
    labels: classLabels(graph.b, [...graph.inputs, ...added]),
  };
}
