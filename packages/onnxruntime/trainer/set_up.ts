/** @module */
import type { Definition } from "@precond/core";
import {
  DataType,
  dataTypeName,
  legalize,
  tensorData,
  tensorDims,
  trainingGraph,
} from "@precond/onnx";
import { checkOptions } from "./check_options.ts";
import {
  type GraphOptions,
  type Graphs,
  type InputInfo,
  type LoadedGraph,
  openGraphs,
} from "../graphs/graphs.ts";
import type { Host } from "../hosts/host.ts";
import { openHost } from "../hosts/open_host.ts";
import { threadsOf } from "../hosts/threads.ts";
import type { Ort, Tensor } from "../ort.ts";
import {
  readSource,
  type SourceNames,
  type TrainerSource,
  type TrainingSource,
} from "../graphs/source.ts";
import { trainedOf } from "../graphs/trained.ts";
import type { TrainerOptions } from "./options.ts";

/** A parameter and its arrays; those that are optional appear when they are first needed. */
export interface Parameter<A> {
  readonly name: string;
  readonly dims: readonly number[];
  readonly size: number;
  weights: A;
  readonly gradient: A;
  squares?: A;
  curvature?: A;
  gathered?: A;
  vector?: A;
  shifted?: A;
  saved?: A;
}

/** A running statistic, of which runs read one array and write the other; or a fixed parameter. */
export interface Statistic<A> {
  readonly name: string;
  readonly dims: readonly number[];
  current: A;
  next: A | undefined;
}

/** Options of {@linkcode setUp}. */
export interface SetUpOptions extends TrainerOptions {
  /** As the removed TrainingSession: all outputs are returned, frozen parameters can be set. */
  readonly everything?: boolean;
}

/** Everything that a trainer stands on. */
export interface Setup<A> {
  readonly host: Host<A>;
  readonly graphs: Graphs;
  readonly source: TrainingSource;
  readonly names: SourceNames;
  readonly definition: Definition;
  readonly parameters: readonly Parameter<A>[];
  readonly statistics: readonly Statistic<A>[];
  /** Outputs that step() returns. */
  readonly outputs: readonly string[];
  /** Why the device is lost. */
  readonly lost: (() => string | undefined) | undefined;
  /** Inputs of a graph that the trainer feeds itself. */
  own(graph: LoadedGraph["graph"]): ReadonlySet<string>;
  dropoutSeed(seed: number): Tensor;
  /** The shape of the uniform numbers for these feeds. */
  uniformDims(
    uniform: InputInfo,
    feeds: Readonly<Record<string, Tensor>>,
    inputs: readonly InputInfo[],
  ): number[];
}

/** Reads the source, opens the host and moves the parameters there. */
export async function setUp(
  ort: Ort,
  given: TrainerSource,
  options: SetUpOptions,
): Promise<Setup<unknown>> {
  checkOptions(ort, options);
  const { everything = false } = options;
  const source = readSource(given);
  const outputs = options.outputs ?? (everything ? source.names.trainingOutputNames.slice(1) : []);
  const fixed = options.frozen ?? (everything ? source.frozen : []);
  const trainable = trainedOf(source, options.trainable, fixed);
  // Parameters and statistics are known when the graph is differentiated: it serves the steps, too.
  const plain = trainingGraph(source.model, {
    ...source.target,
    ...(options.training === undefined ? {} : { training: options.training }),
    ...(trainable === undefined ? {} : { trainable }),
    fed: fixed,
    outputs,
  });
  const { parameters: names, statistics } = plain;
  const initializers = new Map(source.model.graph!.initializer.map((t) => [t.name, t]));
  const valuesOf = (name: string) => {
    // A running statistic that was a copy of a parameter has its value from the graph that was grown.
    const tensor = initializers.get(name) ?? plain.values.get(name);
    if (tensor === undefined) {
      throw new TypeError(
        `Cannot train "${name}": it is an input without an initial value; make it an initializer`,
      );
    }
    if (tensor.dataType !== DataType.FLOAT) {
      throw new TypeError(
        `Cannot train "${name}": expected FLOAT, actual type is ${dataTypeName(tensor.dataType)}`,
      );
    }
    return { name, dims: tensorDims(tensor), data: tensorData(tensor) as Float32Array };
  };
  const values = names.map(valuesOf);
  if (values.length === 0) {
    throw new TypeError("Cannot create a trainer: trainable names no parameter");
  }
  for (const name of fixed) {
    if (!initializers.has(name)) {
      throw new TypeError(
        `Cannot keep "${name}" frozen: the model has no initializer of that name`,
      );
    }
  }
  const running = [...new Set([...statistics.keys(), ...fixed])].map(valuesOf);
  const { host, provider, lost } = await openHost(ort, {
    executionProviders: options.executionProviders ?? ["cpu"],
    ...options.sessionOptions,
  });
  const capturer = options.capture === true ? host.capturer?.() : undefined;
  if (options.capture === true && capturer === undefined) {
    await host.dispose();
    throw new TypeError(
      `Cannot capture the training graph: the provider "${provider}" of this build cannot; use ` +
        `"webgpu" of "onnxruntime-web/webgpu"`,
    );
  }
  const graphOptions: GraphOptions = {
    source,
    plain,
    statistics: running.map(({ name }) => name),
    training: options.training,
    outputs,
    open: (model, resident) => host.open(model, resident),
    number: (dims) => host.number(dims),
    legalize: (model, sizes = {}) =>
      legalize(model, targetOf(provider), {
        sizes: { ...options.sizes, ...sizes },
        threads: threadsOf(ort, options.sessionOptions),
      }),
    capturer,
  };
  const parameters = values.map(({ name, dims, data }): Parameter<unknown> => ({
    name,
    dims,
    size: data.length,
    weights: host.backend.write(data, dims),
    gradient: host.backend.allocate(dims, 0),
  }));
  return {
    host,
    graphs: openGraphs(graphOptions),
    source,
    names: source.names,
    definition: options.optimizer ?? source.optimizer,
    parameters,
    statistics: running.map(({ name, dims, data }) => ({
      name,
      dims,
      current: host.backend.write(data, dims),
      next: statistics.has(name) ? host.backend.allocate(dims, 0) : undefined,
    })),
    outputs,
    lost,
    own: (graph) =>
      new Set([
        ...names,
        ...running.map(({ name }) => name),
        ...(graph.uniform === undefined ? [] : [graph.uniform]),
        ...(graph.vectors?.values() ?? []),
        "dropout_seed",
      ]),
    dropoutSeed: (seed) => new ort.Tensor("float32", Float32Array.of(seed), []),
    uniformDims,
  };
}

/** Which operators a provider runs: whatever is neither of the GPU ones runs all. */
const targetOf = (provider: string): "cpu" | "webgpu" | "webgl" =>
  provider === "webgpu" || provider === "webgl" ? provider : "cpu";

function uniformDims(
  { name, dims }: InputInfo,
  feeds: Readonly<Record<string, Tensor>>,
  inputs: readonly InputInfo[],
): number[] {
  const sizes = new Map<string, number>();
  for (const input of inputs) {
    const { dims } = feeds[input.name] ?? {};
    input.dims?.forEach((d, k) => {
      if (typeof d === "string" && dims !== undefined) sizes.set(d, dims[k]!);
    });
  }
  return (dims ?? []).map((d) => {
    const size = typeof d === "number" ? d : sizes.get(d);
    if (size === undefined) {
      throw new TypeError(`Cannot draw "${name}": size "${d}" does not appear in any other input`);
    }
    return size;
  });
}
