/**
 * Runs graphs: with the caller's feeds, and what a trainer feeds itself.
 *
 * @module
 */
import type { LoadedGraph } from "../graphs/graphs.ts";
import { uniformDims } from "../graphs/inputs.ts";
import { explained } from "../hosts/explained.ts";
import type { Ort, Tensor } from "../hosts/ort.ts";
import { checkFeeds, convertFeeds } from "./feeds/feeds.ts";
import type { TakenFeeds } from "./feeds/take_feeds.ts";
import type { LazyArray, Parameter } from "./parameters.ts";
import type { Uniform } from "./random.ts";
import type { Setup } from "./set_up.ts";

/** Where a training run writes. */
export interface Targets<A> {
  /** The weights that it is run with. */
  weights(p: Parameter<A>): A;
  /** Receives the curvature sample. */
  curvature(p: Parameter<A>): A;
  /**
   * For a run beside the step, with this seed for Dropout: running statistics stay as they are, and no
   * outputs are fetched.
   */
  readonly beside?: number;
}

/** Runs graphs. */
export interface Runner<A> {
  /**
   * Runs a training graph; gradients, squares and samples end up in the parameters' arrays, new running
   * statistics in `next`.
   */
  train(
    loaded: LoadedGraph,
    given: Readonly<Record<string, Tensor>>,
    targets: Targets<A>,
  ): Promise<{ readonly loss: Tensor; readonly outputs: Readonly<Record<string, Tensor>> }>;
  /** Runs a graph without a gradient. */
  forward(
    action: string,
    loaded: LoadedGraph,
    feeds: TakenFeeds,
    check?: (given: Readonly<Record<string, Tensor>>) => void,
  ): Promise<Readonly<Record<string, Tensor>>>;
  /** Random signs for every parameter's `vector`. */
  drawSigns(): void;
}

/** A runner over the arrays of a setup. */
export function createRunner<A>(
  ort: Ort,
  setup: Setup<A>,
  random: Uniform,
  arrayOf: (p: Parameter<A>, array: LazyArray) => A,
): Runner<A> {
  const { host, parameters, fixed } = setup;

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
    for (const s of fixed) {
      if (taken.has(s.name)) feeds[s.name] = host.tensor(s.current, s.dims);
    }
    if (taken.has("dropout_seed")) {
      const seed = Float32Array.of(dropoutSeed ?? random.integer(65536));
      feeds["dropout_seed"] = new ort.Tensor("float32", seed, []);
    }
    return feeds;
  };

  const drawUniform = (feeds: Record<string, Tensor>, { graph, inputs }: LoadedGraph) => {
    const name = graph.uniform;
    if (name === undefined) return;
    const info = inputs.find((i) => i.name === name)!;
    const dims = uniformDims(info, feeds, inputs);
    const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
    random.fill(values);
    feeds[name] = new ort.Tensor("float32", values, dims);
  };

  return {
    async train(loaded, given, { weights, curvature, beside }) {
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
        want(graph.curvatures, () => curvature(p));
      }
      for (const s of beside === undefined ? fixed : []) {
        const name = graph.statistics?.get(s.name);
        if (name !== undefined) targets.push({ name, array: s.next!, dims: s.dims });
      }
      const feeds = { ...given, ...ownFeeds(loaded, weights, beside) };
      drawUniform(feeds, loaded);
      const loss = graph.loss!;
      const outputs = setup.plan.outputs.filter((name) => name !== loss);
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
        loss: results[loss]!,
        outputs: Object.fromEntries(outputs.map((name) => [name, own(results[name]!)])),
      };
    },
    async forward(action, loaded, feeds, check) {
      const given = checkFeeds(ort, action, feeds, loaded.callerInputs);
      check?.(given);
      const own = ownFeeds(loaded, (p) => p.weights);
      const all = convertFeeds(ort, { ...given, ...own }, loaded.changes);
      return await explained(action, () => loaded.session.run(all));
    },
    drawSigns() {
      for (const p of parameters) {
        const signs = new Float32Array(p.size);
        random.signs(signs);
        host.write(arrayOf(p, "vector"), signs);
      }
    },
  };
}

/** A result on the GPU is a buffer of its own; what is written in place serves the next run, too. */
export function discard(result: Tensor): void {
  if (result.location === "gpu-buffer") result.dispose();
}
