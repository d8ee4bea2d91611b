/** @module */
import {
  type Legalized,
  lossGraph,
  type ModelProto,
  type NodeProto,
  type TrainingGraph,
  trainingGraph,
  type ValueInfoProto,
  writeModel,
} from "@precond/onnx";
import type { InferenceSession, Ort } from "./ort.ts";
import type { TrainingSource } from "./source.ts";

/** What a run computes besides loss and gradient. */
export interface Wanted {
  readonly squares: boolean;
  readonly curvature: "gaussNewton" | "hutchinson" | undefined;
}

/** An input that the caller feeds. */
export interface InputInfo {
  readonly name: string;
  /** ONNX's number of the element type. */
  readonly type: number | undefined;
  /** Sizes; a string is free. Undefined where the rank is not declared. */
  readonly dims: readonly (number | string)[] | undefined;
}

/** A graph in a session. */
export interface LoadedGraph {
  readonly session: InferenceSession;
  readonly inputs: readonly InputInfo[];
  /** Inputs that the provider takes in another element type. */
  readonly changes: Legalized["inputs"];
  readonly graph: Partial<Omit<TrainingGraph, "loss">> & { readonly loss: string | undefined };
}

/** Builds graphs on first use and opens each in a session once. */
export interface Graphs {
  training(wanted: Wanted): Promise<LoadedGraph>;
  /** Forward pass with the loss. */
  evaluation(): Promise<LoadedGraph>;
  /** Forward pass alone. */
  prediction(): Promise<LoadedGraph>;
  release(): Promise<void>;
}

/** How graphs are opened. */
export interface GraphOptions {
  readonly ort: Ort;
  readonly source: TrainingSource;
  readonly parameters: readonly string[];
  /** Running statistics and fixed parameters, fed like trained ones. */
  readonly statistics: readonly string[];
  readonly training: boolean | undefined;
  /** Outputs of the model that step() returns. */
  readonly outputs: readonly string[];
  readonly sessionOptions: (resident: readonly string[]) => InferenceSession.SessionOptions;
  /** Rewrites a graph for the provider. */
  readonly legalize: (model: ModelProto) => Legalized;
}

/** Sessions over the graphs of one source. */
export function openGraphs(options: GraphOptions): Graphs {
  const { ort, source, parameters, statistics, outputs, sessionOptions, legalize } = options;
  const { evaluation, predictions } = source;
  const training = options.training === undefined ? {} : { training: options.training };
  const given = { trainable: parameters, fed: statistics, training: false };
  const open = new Map<string, Promise<LoadedGraph>>();
  const once = (key: string, make: () => Promise<LoadedGraph>) => {
    let found = open.get(key);
    if (found === undefined) {
      found = make();
      open.set(key, found);
      // A graph that could not be opened may be tried again.
      found.catch(() => open.delete(key));
    }
    return found;
  };
  const load = async (
    graph: LoadedGraph["graph"] & { readonly model: ModelProto },
    resident: readonly string[],
  ): Promise<LoadedGraph> => {
    const { model, inputs: changes } = legalize(graph.model);
    const session = await ort.InferenceSession.create(writeModel(model), sessionOptions(resident));
    // The caller feeds what the model asks for; the provider may take other types.
    return { session, graph, changes, inputs: graph.model.graph!.input.map(inputInfo) };
  };
  return {
    training: (wanted) =>
      once(`training ${wanted.squares} ${wanted.curvature}`, () => {
        const graph = trainingGraph(source.model, {
          ...source.target,
          ...training,
          trainable: parameters,
          fed: statistics,
          outputs,
          squares: wanted.squares,
          ...(wanted.curvature === undefined ? {} : { curvature: wanted.curvature }),
        });
        const resident = [graph.gradients, graph.squares, graph.curvatures, graph.statistics]
          .flatMap((names) => [...(names?.values() ?? [])]);
        return load(graph, [graph.loss, ...resident]);
      }),
    evaluation: () =>
      once("evaluation", () => {
        const { model, target } = evaluation;
        return load(lossGraph(model, { ...target, ...given, outputs: predictions }), []);
      }),
    prediction: () =>
      once("prediction", () => {
        if (predictions.length === 0) {
          throw new TypeError("Cannot predict: the loss is the only output of the model");
        }
        const graph = lossGraph(evaluation.model, { ...given, outputs: predictions });
        return load({ ...graph, model: withoutUnusedInputs(graph.model) }, []);
      }),
    async release() {
      const sessions = await Promise.allSettled(open.values());
      open.clear();
      for (const result of sessions) {
        if (result.status === "fulfilled") await result.value.session.release();
      }
    },
  };
}

/** Labels, which predictions do not need. */
function withoutUnusedInputs(model: ModelProto): ModelProto {
  const graph = model.graph!;
  // A body may capture any name: its graphs' nodes count too.
  const read = new Set<string>();
  const visit = (nodes: readonly NodeProto[]) => {
    for (const node of nodes) {
      node.input.forEach((name) => read.add(name));
      for (const { g, graphs } of node.attribute) {
        for (const body of [...(g === undefined ? [] : [g]), ...graphs]) visit(body.node);
      }
    }
  };
  visit(graph.node);
  return { ...model, graph: { ...graph, input: graph.input.filter((i) => read.has(i.name)) } };
}

function inputInfo({ name, type }: ValueInfoProto): InputInfo {
  if (type?.value.case !== "tensorType") return { name, type: undefined, dims: undefined };
  const { elemType, shape } = type.value.value;
  const dims = shape?.dim.map((d) =>
    d.value.case === "dimValue" ? Number(d.value.value) : d.value.value ?? "?"
  );
  return { name, type: elemType, dims };
}
