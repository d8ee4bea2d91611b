/** @module */
import {
  type ClassLabels,
  DataType,
  type Legalized,
  lossGraph,
  type ModelProto,
  type NodeProto,
  type TrainingGraph,
  trainingGraph,
  type ValueInfoProto,
} from "@precond/onnx";
import type { Session } from "../hosts/create_session.ts";
import type { Capturer } from "../hosts/capture/capturer.ts";
import type { Tensor } from "../ort.ts";
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
  /** What class indices may be, for inputs that hold them. */
  readonly labels?: ClassLabels | undefined;
}

/** A graph in a session. */
export interface LoadedGraph {
  readonly session: Session;
  readonly inputs: readonly InputInfo[];
  /** Inputs that the provider takes in another element type. */
  readonly changes: Legalized["inputs"];
  readonly graph: Partial<Omit<TrainingGraph, "loss">> & { readonly loss: string | undefined };
  /** Where a run writes the loss, if not into a tensor of its own. */
  readonly target: Tensor | undefined;
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
  readonly source: TrainingSource;
  /** The graph with the gradient alone. */
  readonly plain: TrainingGraph;
  /** Running statistics and fixed parameters, fed like trained ones. */
  readonly statistics: readonly string[];
  readonly training: boolean | undefined;
  /** Outputs of the model that step() returns. */
  readonly outputs: readonly string[];
  /** Opens a graph whose outputs `resident` stay on the host's side. */
  readonly open: (model: ModelProto, resident: readonly string[]) => Promise<Session>;
  /** A tensor of one number for a run to write into, on hosts that want one. */
  readonly number: (dims: readonly number[]) => Tensor | undefined;
  /** Rewrites a graph for the provider, with numbers for symbolic sizes if they are known. */
  readonly legalize: (model: ModelProto, sizes?: Readonly<Record<string, number>>) => Legalized;
  /** Opens training graphs that are captured. */
  readonly capturer: Capturer | undefined;
}

/** Sessions over the graphs of one source. */
export function openGraphs(options: GraphOptions): Graphs {
  const { source, plain, statistics, outputs, legalize } = options;
  const { evaluation, predictions } = source;
  const { parameters } = plain;
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
    capturer?: Capturer,
  ): Promise<LoadedGraph> => {
    const { model, inputs: changes } = legalize(graph.model);
    const plain = () => options.open(model, resident);
    const session = await (capturer?.open(graph.model.graph!, resident, {
      sized: (sizes) => legalize(graph.model, sizes).model,
      plain,
    }) ?? plain());
    // The caller feeds what the model asks for; the provider may take other types.
    const inputs = graph.model.graph!.input.map((input) => ({
      ...inputInfo(input),
      labels: graph.labels?.get(input.name),
    }));
    const result = model.graph!.output.find(({ name }) => name === graph.loss);
    const dims = result !== undefined && resident.length > 0 ? dimsOf(result) : undefined;
    const target = dims === undefined ? undefined : options.number(dims);
    return { session, graph, changes, inputs, target };
  };
  return {
    training: (wanted) =>
      once(`training ${wanted.squares} ${wanted.curvature}`, () => {
        const { squares, curvature } = wanted;
        const graph = !squares && curvature === undefined ? plain : trainingGraph(source.model, {
          ...source.target,
          ...training,
          trainable: parameters,
          fed: statistics,
          outputs,
          squares,
          ...(curvature === undefined ? {} : { curvature }),
        });
        const resident = [graph.gradients, graph.squares, graph.curvatures, graph.statistics]
          .flatMap((names) => [...(names?.values() ?? [])]);
        return load(graph, [graph.loss, ...resident], options.capturer);
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
      await options.capturer?.dispose();
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

/** The shape of a float value with no free sizes. */
function dimsOf(value: ValueInfoProto): number[] | undefined {
  const { type, dims } = inputInfo(value);
  return type === DataType.FLOAT && dims?.every((d) => typeof d === "number") === true
    ? dims as number[]
    : undefined;
}

function inputInfo({ name, type }: ValueInfoProto): InputInfo {
  if (type?.value.case !== "tensorType") return { name, type: undefined, dims: undefined };
  const { elemType, shape } = type.value.value;
  const dims = shape?.dim.map((d, k) => {
    if (d.value.case === "dimParam" && d.value.value !== "") return d.value.value;
    // Free sizes without a name have nothing to do with each other; some exporters write −1.
    const size = d.value.case === "dimValue" ? Number(d.value.value) : -1;
    return size < 0 ? `${name}.${k}` : size;
  });
  return { name, type: elemType, dims };
}
