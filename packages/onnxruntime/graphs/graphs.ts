/**
 * Graphs in sessions: for training with the evidence that is wanted, evaluation, prediction.
 *
 * @module
 */
import type { Legalized, ModelProto, NodeProto, TrainingGraph } from "@precond/onnx";
import { loading, lossGraph, trainingGraph } from "@precond/onnx/on_demand";
import type { Session } from "../hosts/create_session.ts";
import { fixedDims, type InputInfo, inputInfo, sizedInput } from "./inputs.ts";
import type { Capturer } from "../hosts/capture/capturer.ts";
import type { Tensor } from "../hosts/ort.ts";
import { ownInputs, type TrainingPlan } from "./plan.ts";

/** What a run computes besides loss and gradient. */
export interface Wanted {
  readonly squares: boolean;
  readonly curvature: "gaussNewton" | "fisher" | "hutchinson" | undefined;
}

/** A graph in a session. */
export interface LoadedGraph {
  readonly session: Session;
  readonly inputs: readonly InputInfo[];
  /** Those of them that the caller feeds. */
  readonly callerInputs: readonly InputInfo[];
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
  readonly plan: TrainingPlan;
  readonly training: boolean | undefined;
  /** Opens a graph whose outputs `resident` stay on the host's side. */
  readonly open: (model: ModelProto, resident: readonly string[]) => Promise<Session>;
  /** A tensor of one number for a run to write into, on hosts that want one. */
  readonly number: (dims: readonly number[]) => Tensor | undefined;
  /** Rewrites a graph for the provider, with numbers for symbolic sizes if they are known. */
  readonly legalize: (
    model: ModelProto,
    sizes?: Readonly<Record<string, number>>,
  ) => Promise<Legalized>;
  /** Opens training graphs that are captured. */
  readonly capturer: Capturer | undefined;
}

/** Sessions over the graphs of one source. */
export function openGraphs(options: GraphOptions): Graphs {
  const { plan, legalize } = options;
  const { source, plain, outputs } = plan;
  const { evaluation, predictions } = source;
  const { parameters } = plain;
  const fed = plan.fixed.map(({ name }) => name);
  const training = options.training === undefined ? {} : { training: options.training };
  const given = { trainable: parameters, fed, training: false };
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
    const { model, inputs: changes } = await legalize(graph.model);
    const plain = () => options.open(model, resident);
    const session = await (capturer?.open(graph.model.graph!, resident, {
      sized: async (sizes) => (await legalize(graph.model, sizes)).model,
      plain,
    }) ?? plain());
    // The caller feeds what the model asks for; the provider may take other types.
    const inputs = graph.model.graph!.input.map((input) => ({
      ...sizedInput(inputInfo(input), plan.sizes),
      labels: graph.labels?.get(input.name),
    }));
    const result = model.graph!.output.find(({ name }) => name === graph.loss);
    const dims = result !== undefined && resident.length > 0 ? fixedDims(result) : undefined;
    const target = dims === undefined ? undefined : options.number(dims);
    const own = ownInputs(graph, [...parameters, ...fed]);
    const callerInputs = inputs.filter(({ name }) => !own.has(name));
    return { session, graph, changes, inputs, callerInputs, target };
  };
  return {
    training: (wanted) =>
      once(`training ${wanted.squares} ${wanted.curvature}`, async () => {
        const { squares, curvature } = wanted;
        const wholeGraph = () =>
          trainingGraph(source.model, {
            ...source.target,
            ...training,
            trainable: parameters,
            fed,
            ...(plan.recompute === undefined ? {} : { recompute: plan.recompute }),
            outputs,
            squares,
            ...(squares ? examplesOf(plan) : {}),
            ...(curvature === undefined ? {} : { curvature }),
          });
        const graph = !squares && curvature === undefined ? plain : await loading(wholeGraph);
        const resident = [graph.gradients, graph.squares, graph.curvatures, graph.statistics]
          .flatMap((names) => [...(names?.values() ?? [])]);
        return await load(graph, [graph.loss, ...resident], options.capturer);
      }),
    evaluation: () =>
      once("evaluation", async () => {
        const { model, target } = evaluation;
        const wanted = { ...target, ...given, outputs: predictions };
        return await load(await loading(() => lossGraph(model, wanted), model), []);
      }),
    prediction: () =>
      once("prediction", async () => {
        if (predictions.length === 0) {
          throw new TypeError("Cannot predict: the loss is the only output of the model");
        }
        const { model } = evaluation;
        const graph = await loading(
          () => lossGraph(model, { ...given, outputs: predictions }),
          model,
        );
        return await load({ ...graph, model: withoutUnusedInputs(graph.model) }, []);
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

/**
 * The input that shows where single examples lie, if the batch has a name; otherwise the graph's first
 * one does.
 *
 * @throws {TypeError} If the batch is no input's first axis.
 */
function examplesOf({ batch, inputs }: TrainingPlan): { readonly batchInput?: string } {
  if (batch.length === 0) return {};
  const leading = batch.find(({ axis }) => axis === 0);
  if (leading === undefined) {
    const { input, axis } = batch[0]!;
    throw new TypeError(
      `Cannot square the gradients of single examples: they lie along axis ${axis} of "${input}", ` +
        `expected is the first; use accumulate, whose micro-batches serve instead`,
    );
  }
  const [dim] = inputs.find(({ name }) => name === leading.input)!.dims ?? [];
  const named = typeof dim === "string" && dim !== `${leading.input}.0`;
  return named ? { batchInput: leading.input } : {};
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
