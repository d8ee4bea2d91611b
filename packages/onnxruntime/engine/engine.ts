/** @module */
import { type Contribution, createDriver, type Driver } from "@precond/core/backend";
import { accumulator } from "./accumulate.ts";
import type { Engine, Gathered, Gathering, GatherOptions } from "./engine_types.ts";
import { explained } from "../hosts/explained.ts";
import { nonFinite } from "./feeds/feed_values.ts";
import { checkFeeds, convertFeeds } from "./feeds/feeds.ts";
import { finiteDifferences } from "./finite_differences.ts";
import type { LoadedGraph } from "../graphs/graphs.ts";
import type { Feeds, Ort, Tensor } from "../ort.ts";
import { uniform } from "./random.ts";
import type { Parameter, Setup } from "../trainer/set_up.ts";
import { disposeArrays, lazyArrays } from "./arrays.ts";
import type { TrainerOptions } from "../trainer/options.ts";
import { userCurvature } from "./user_curvature.ts";

/** Makes the engine of a trainer. */
export function createEngine<A>(
  ort: Ort,
  setup: Setup<A>,
  options: TrainerOptions,
  gathering: Gathering = "mean",
): Engine<A> {
  const { host, graphs, definition, parameters } = setup;
  const { backend } = host;
  const { accumulate = 1, hutchinson = "exact", differenceStep = 1e-3 } = options;
  const driver: Driver<A> = createDriver(definition, backend);
  const random = uniform(options.seed ?? 1);
  const names = parameters.map((p) => p.name);
  const gathers = accumulate > 1 || gathering === "sum";
  const sums = gathers ? accumulator(backend) : undefined;
  const differences = hutchinson === "finiteDifferences"
    ? finiteDifferences(backend, differenceStep)
    : undefined;
  const needsSquares = definition.needs.includes("gradientSquares");
  const kind = definition.needs.includes("curvature") ? definition.curvature?.kind : undefined;
  let gathered = 0;
  let examples = 0;
  let sampled = false;

  const arrayOf = lazyArrays(backend);
  const gradientOf = (p: Parameter<A>): A => gathers ? arrayOf(p, "gathered") : p.gradient;

  /** What the trainer feeds itself. */
  const ownFeeds = (
    { graph, inputs }: LoadedGraph,
    weights: (p: Parameter<A>) => A,
    dropoutSeed?: number,
  ): Record<string, Tensor> => {
    const feeds: Record<string, Tensor> = {};
    const taken = new Set(inputs.map((i) => i.name));
    for (const p of parameters) {
      if (taken.has(p.name)) feeds[p.name] = host.tensor(weights(p), p.dims);
      const vector = graph.vectors?.get(p.name);
      if (vector !== undefined) feeds[vector] = host.tensor(arrayOf(p, "vector"), p.dims);
    }
    for (const s of setup.statistics) {
      if (taken.has(s.name)) feeds[s.name] = host.tensor(s.current, s.dims);
    }
    if (taken.has("dropout_seed")) {
      feeds["dropout_seed"] = setup.dropoutSeed(dropoutSeed ?? random.integer(65536));
    }
    return feeds;
  };

  const drawSigns = () => {
    for (const p of parameters) {
      const signs = new Float32Array(p.size);
      random.signs(signs);
      host.write(arrayOf(p, "vector"), signs);
    }
  };

  const drawUniform = (feeds: Record<string, Tensor>, loaded: LoadedGraph) => {
    const name = loaded.graph.uniform;
    if (name === undefined) return;
    const info = loaded.inputs.find((i) => i.name === name)!;
    const dims = setup.uniformDims(info, feeds, loaded.inputs);
    const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
    random.fill(values);
    feeds[name] = new ort.Tensor("float32", values, dims);
  };

  /** Runs a training graph; gradients and samples end up in the parameters' arrays. */
  const run = async (
    loaded: LoadedGraph,
    given: Record<string, Tensor>,
    weights: (p: Parameter<A>) => A,
    /** A run beside the step: with this seed, and running statistics stay as they are. */
    dropoutSeed?: number,
  ): Promise<Record<string, Tensor>> => {
    const { session, graph } = loaded;
    // Arrays first: memory that grows kills the views of tensors that were made before.
    const targets: { name: string; array: A; dims: readonly number[] }[] = [];
    for (const p of parameters) {
      const want = (outputs: ReadonlyMap<string, string> | undefined, array: () => A) => {
        const name = outputs?.get(p.name);
        if (name !== undefined) targets.push({ name, array: array(), dims: p.dims });
      };
      want(graph.gradients, () => p.gradient);
      want(graph.squares, () => arrayOf(p, "squares"));
      want(graph.curvatures, () => arrayOf(p, "curvature"));
    }
    for (const s of dropoutSeed === undefined ? setup.statistics : []) {
      const name = graph.statistics?.get(s.name);
      if (name !== undefined) targets.push({ name, array: s.next!, dims: s.dims });
    }
    const feeds = { ...given, ...ownFeeds(loaded, weights, dropoutSeed) };
    drawUniform(feeds, loaded);
    const loss = graph.loss!;
    const outputs = setup.outputs.filter((name) => name !== loss);
    const fetches: Record<string, Tensor | null> = Object.fromEntries(
      outputs.map((n) => [n, null]),
    );
    fetches[loss] = loaded.target ?? null;
    for (const { name, array, dims } of targets) {
      fetches[name] = host.writesInPlace ? host.tensor(array, dims) : null;
    }
    const results = await explained("step", async () => {
      return await session.run(convertFeeds(ort, feeds, loaded.changes), fetches);
    });
    for (const { name, array } of targets) {
      const result = results[name]!;
      if (!host.writesInPlace) host.take(result, array);
      if (!outputs.includes(name)) host.free(result, array);
    }
    // An output may be a gradient, whose array the next run overwrites.
    const own = (result: Tensor) =>
      result.location === "cpu" && targets.some(({ name }) => fetches[name] === result)
        ? new ort.Tensor("float32", (result.data as Float32Array).slice(), result.dims)
        : result;
    return {
      ...Object.fromEntries(outputs.map((name) => [name, own(results[name]!)])),
      [loss]: results[loss]!,
    };
  };

  /** Curvature from two gradients, with the batch of this step. */
  const sampleDifferences = async (given: Record<string, Tensor>) => {
    drawSigns();
    const plain = await graphs.training({ squares: false, curvature: undefined });
    // Both gradients with the same mask: of two masks the difference would be noise over ε.
    const seed = plain.inputs.some((i) => i.name === "dropout_seed") ? random.integer(65536) : 0;
    const arrays = parameters.map((p) => ({
      dims: p.dims,
      weights: p.weights,
      vector: arrayOf(p, "vector"),
      shifted: arrayOf(p, "shifted"),
      gradient: p.gradient,
      saved: arrayOf(p, "saved"),
      curvature: arrayOf(p, "curvature"),
    }));
    await differences!.sample(arrays, async () => {
      const results = await run(plain, given, (p) => p.shifted!, seed);
      discard(results[plain.graph.loss!]!);
    });
  };

  const wantedCurvature = (due: boolean) => {
    if (!due || kind === "user" || kind === "empiricalFisher") return undefined;
    if (kind !== "hutchinson") return "gaussNewton";
    return differences === undefined ? "hutchinson" : undefined;
  };

  const reset = (counts = { runs: 0, examples: 0 }) => {
    gathered = counts.runs;
    examples = counts.examples;
    sampled = false;
  };

  const forward = async (
    action: string,
    loaded: LoadedGraph,
    feeds: Feeds,
  ): Promise<Record<string, Tensor>> => {
    const given = checkFeeds(ort, action, feeds, loaded.inputs, setup.own(loaded.graph));
    const own = ownFeeds(loaded, (p) => p.weights);
    const all = convertFeeds(ort, { ...given, ...own }, loaded.changes);
    return await explained(action, () => loaded.session.run(all));
  };

  const gather = async (feeds: Feeds, stepOptions: GatherOptions): Promise<Gathered> => {
    const due = stepOptions.sample && kind !== undefined && driver.curvatureDue(names);
    const curvature = wantedCurvature(due);
    const squares = needsSquares && !gathers;
    const user = due && kind === "user" ? userCurvature(parameters, stepOptions) : undefined;
    const loaded = await graphs.training({ squares, curvature });
    const given = checkFeeds(ort, "step", feeds, loaded.inputs, setup.own(loaded.graph));
    const batchSize = stepOptions.batchSize ?? firstSize(given);
    if (!(batchSize > 0 && batchSize < Infinity)) {
      throw new RangeError(
        `Cannot step: batchSize must be positive, current value is ${batchSize}`,
      );
    }
    if (curvature === "hutchinson") drawSigns();
    const { [loaded.graph.loss!]: result, ...outputs } = await run(
      loaded,
      given,
      (p) => p.weights,
    );
    const reads = stepOptions.readLoss ?? true;
    const loss = reads ? await host.read(result!) : NaN;
    discard(result!);
    if (reads && !Number.isFinite(loss)) {
      throw new RangeError(
        `Cannot step: the loss is ${loss} after ${driver.iteration} updates; ` +
          `parameters and optimizer are as they were${nonFinite(given)}`,
      );
    }
    if (due && kind === "hutchinson" && differences !== undefined) await sampleDifferences(given);
    if (user !== undefined) {
      for (const p of parameters) host.write(arrayOf(p, "curvature"), user[p.name]!);
    }
    for (const s of setup.statistics) if (s.next !== undefined) swap(s);
    if (stepOptions.afresh) reset();
    // A sample serves the next update, whatever is added to the gradient before it.
    if (due) sampled = kind !== "empiricalFisher";
    gathered++;
    examples += batchSize;
    sums?.add(
      parameters.map((p) => ({
        dims: p.dims,
        gradient: p.gradient,
        gathered: arrayOf(p, "gathered"),
        squares: arrayOf(p, "squares"),
      })),
      gathered,
      gathering,
    );
    return { loss, outputs };
  };

  return {
    driver,
    random,
    get gathered() {
      return { runs: gathered, examples };
    },
    gatheredArrays: () => {
      const kinds = needsSquares ? ["gathered", "squares"] as const : ["gathered"] as const;
      return parameters.flatMap((p) =>
        kinds.map((kind) => ({ parameter: p.name, kind, dims: p.dims, array: arrayOf(p, kind) }))
      );
    },
    async gather(feeds, gatherOptions) {
      const { state } = random;
      try {
        return await gather(feeds, gatherOptions);
      } catch (error) {
        // The step that is tried again draws the same numbers.
        random.state = state;
        throw error;
      }
    },
    gradientOf,
    update(learningRate, { keep = false, countClipped = false } = {}) {
      if (gathered === 0 && gathering === "mean") {
        throw new TypeError("Cannot update: there is no gradient since the last update");
      }
      const squares = needsSquares ? (p: Parameter<A>) => p.squares : () => undefined;
      const contributions = parameters.map((p): Contribution<A> => ({
        name: p.name,
        shape: p.dims,
        weights: p.weights,
        gradient: gradientOf(p),
        gradientSquares: squares(p),
        curvature: sampled ? p.curvature : undefined,
      }));
      // A sum of no gradients is 0, which ONNX Runtime takes for a gradient like any other.
      const batchSize = examples === 0 ? 1 : examples;
      const microBatches = gathers ? gathered : examples;
      try {
        const { weights, clipped = [] } = driver.step(contributions, {
          batchSize,
          countClipped,
          microBatches,
          ...(learningRate === undefined ? {} : { learningRate }),
        });
        parameters.forEach((p, k) => p.weights = weights[k]!);
        sampled = false;
        return { batchSize, clipped };
      } finally {
        // Also if it throws: the next step begins a new update.
        if (!keep) reset();
      }
    },
    reset,
    forward,
    dispose() {
      driver.dispose();
      sums?.dispose();
      differences?.dispose();
      disposeArrays(setup);
    },
  };
}

/** A result on the GPU is a buffer of its own; what is written in place serves the next run, too. */
function discard(result: Tensor): void {
  if (result.location === "gpu-buffer") result.dispose();
}

function swap<A>(s: { current: A; next: A | undefined }): void {
  [s.current, s.next] = [s.next!, s.current];
}

/** The first axis of the first feed: the batch. */
function firstSize(feeds: Readonly<Record<string, Tensor>>): number {
  return Object.values(feeds)[0]?.dims[0] ?? 1;
}
