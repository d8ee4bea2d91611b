/**
 * The engine of a trainer: a run of a training graph computes evidence into scratch arrays; only when all
 * of it is there, and the optimizer has taken its step, it becomes the trainer's state.
 *
 * @module
 */
import {
  accumulator,
  chainFor,
  type ClippedCounter,
  type Contribution,
  createDriver,
  type Driver,
  takesRawSquares,
} from "@precond/core/backend";
import { batchSizeOf } from "../graphs/batch.ts";
import type { LoadedGraph } from "../graphs/graphs.ts";
import { sizedInput } from "../graphs/inputs.ts";
import type { Ort, Tensor } from "../hosts/ort.ts";
import type { Engine, Gathering, GatherOptions, StepHooks } from "./engine_types.ts";
import { nonFinite } from "./feeds/feed_values.ts";
import { checkFeeds } from "./feeds/feeds.ts";
import type { TakenFeeds } from "./feeds/take_feeds.ts";
import type { TrainerOptions } from "./options.ts";
import { lazyArrays, type Parameter } from "./parameters.ts";
import { uniform } from "./random.ts";
import { createRunner, discard } from "./run.ts";
import { createSampler, type Sampling } from "./samples.ts";
import type { Setup } from "./set_up.ts";

/** A run whose results are not yet the trainer's state. */
interface Pending {
  readonly loss: number;
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly batchSize: number;
  readonly sampled: boolean;
  /** Forget what was gathered before. */
  readonly afresh: boolean;
}

/** What is gathered after some runs. */
interface Counts {
  readonly runs: number;
  readonly examples: number;
}

const none: Counts = { runs: 0, examples: 0 };

function swapSamples<A>(p: Parameter<A>): void {
  const before = p.curvature!;
  p.curvature = p.newCurvature!;
  p.newCurvature = before;
}

/** Makes the engine of a trainer. */
export function createEngine<A>(
  ort: Ort,
  setup: Setup<A>,
  options: TrainerOptions,
  gathering: Gathering = "mean",
): Engine<A> {
  const { host, definition, parameters } = setup;
  const { backend } = host;
  const driver: Driver<A> = createDriver(definition, backend);
  const random = uniform(options.seed ?? 1);
  const arrayOf = lazyArrays(backend);
  const runner = createRunner(ort, setup, random, arrayOf);
  const sampler = createSampler(setup, options, runner, random, arrayOf);
  const names = parameters.map((p) => p.name);
  const needsSquares = definition.needs.includes("gradientSquares");
  const usesOwnSquares = takesRawSquares(definition);
  const needsCurvature = definition.needs.includes("curvature");
  const gathers = (options.accumulate ?? 1) > 1 || gathering === "sum";
  const sums = {
    inPlace: accumulator(backend, { squares: needsSquares, inPlace: true }),
    anew: accumulator(backend, { squares: needsSquares, inPlace: false }),
  };
  let gathered = none;
  /** Rows of data in a run, by parameter, where a basis is chosen by them: those of the first run. */
  const rows = new Map<string, number | undefined>();
  const countRows = (given: Readonly<Record<string, Tensor>>) => {
    if (rows.size > 0) return;
    const shapes = Object.fromEntries(Object.entries(given).map(([name, t]) => [name, t.dims]));
    for (const { name, dims } of parameters) {
      const { basis } = chainFor(definition, { name, shape: dims });
      rows.set(name, basis && setup.plan.plain.rowsOf(name, shapes));
    }
  };
  /** Whether `curvature` holds a sample for the next update. */
  let sampled = false;
  /** Whether the gradient's arrays hold what a run left that was not taken in. */
  let spoiled = false;

  const gradientOf = (p: Parameter<A>): A => gathers ? arrayOf(p, "gathered") : p.gradient;
  // A sample that waits for its update stays until another one has been taken in.
  const sampleInto = (p: Parameter<A>): A => arrayOf(p, sampled ? "newCurvature" : "curvature");
  const due = () => needsCurvature && driver.curvatureDue(names);

  /** Examples in the batch; undefined where neither the caller nor the graph tells. */
  const sizeOf = (given: Readonly<Record<string, Tensor>>, asked: number | undefined): number => {
    const size = asked ?? batchSizeOf(setup.plan.batch, given);
    if (size === undefined) {
      if (!needsSquares && definition.curvature?.kind !== "empiricalFisher") return 1;
      const shapes = Object.entries(given).map(([name, { dims }]) => `"${name}" [${dims}]`);
      throw new TypeError(
        `Cannot step: the optimizer needs the number of examples, and the graph does not tell which ` +
          `axis is the batch of ${shapes.join(", ")}; give batchSize`,
      );
    }
    if (size > 0 && size < Infinity) return size;
    throw new RangeError(`Cannot step: batchSize must be positive, current value is ${size}`);
  };

  /** Runs forward and backward. Only scratch arrays and the random numbers' state change. */
  const run = async (feeds: TakenFeeds, options: GatherOptions): Promise<Pending> => {
    const { batchSize: asked, readLoss = true, sample, early, afresh = false } = options;
    const { inputs, sizes } = setup.plan;
    const given = checkFeeds(ort, "step", feeds, inputs.map((i) => sizedInput(i, sizes)));
    const batchSize = sizeOf(given, asked);
    countRows(given);
    const sampling: Sampling<A> | undefined = sample && sampler.samples && (early || due())
      ? sampler.next(options)
      : undefined;
    // Of a single example there is no variance: it brings no squares.
    const squares = needsSquares && !gathers && batchSize >= 2;
    const loaded: LoadedGraph = await setup.graphs.training({
      squares,
      curvature: sampling && sampler.graphCurvature,
    });
    sampling?.prepare();
    spoiled = !gathers;
    const { loss: result, outputs } = await runner.train(loaded, given, {
      weights: (p) => p.weights,
      curvature: sampleInto,
    });
    const loss = readLoss ? await host.read(result) : NaN;
    discard(result);
    if (readLoss && !Number.isFinite(loss)) {
      throw new RangeError(
        `Cannot step: the loss is ${loss} after ${driver.iteration} updates; ` +
          `parameters and optimizer are as they were${nonFinite(given, inputs)}`,
      );
    }
    await sampling?.finish(given, sampleInto);
    return { loss, outputs, batchSize, sampled: sampling !== undefined, afresh };
  };

  /** Running statistics and the sample of a run become the trainer's. */
  const take = (pending: Pending) => {
    for (const s of setup.fixed) {
      if (s.next !== undefined) [s.current, s.next] = [s.next, s.current];
    }
    if (pending.sampled) {
      if (sampled) { for (const p of parameters) swapSamples(p); }
      sampled = true;
    } else if (pending.afresh) sampled = false;
    spoiled = false;
  };

  const countsWith = ({ batchSize, afresh }: Pending): Counts => {
    const { runs, examples } = afresh ? none : gathered;
    return { runs: runs + 1, examples: examples + batchSize };
  };

  /** What an update is made of. */
  const contributionsOf = (
    { runs, examples }: Counts,
    hasSample: boolean,
    means?: readonly { readonly gathered: A; readonly squares: A | undefined }[],
  ) => {
    // A sum of no gradients is 0, which ONNX Runtime takes for a gradient like any other.
    const batchSize = examples === 0 ? 1 : examples;
    const microBatches = gathers ? runs : examples;
    const squared = needsSquares && (microBatches >= 2 || means !== undefined && !gathers);
    const list = parameters.map((p, k): Contribution<A> => {
      const mean = means?.[k];
      const rowsOfRun = rows.get(p.name);
      return {
        name: p.name,
        shape: p.dims,
        weights: p.weights,
        gradient: mean?.gathered ?? gradientOf(p),
        gradientSquares: squared ? mean?.squares ?? p.squares : undefined,
        curvature: hasSample ? p.curvature : undefined,
        rowsPerStep: rowsOfRun && rowsOfRun * Math.max(1, runs),
      };
    });
    return { list, batchSize, microBatches: Math.max(1, Math.floor(microBatches)) };
  };

  const updateWith = (
    { list, batchSize, microBatches }: ReturnType<typeof contributionsOf>,
    countClipped: ClippedCounter | undefined,
  ) => {
    const result = driver.step(list, { batchSize, microBatches, countClipped });
    parameters.forEach((p, k) => p.weights = result.weights[k]!);
    return { batchSize, clipped: result.clipped ?? [] };
  };

  /** After an update: nothing is gathered for the next one. */
  const finish = async (updated: ReturnType<typeof updateWith>, hooks?: StepHooks<A>) => {
    gathered = none;
    sampled = false;
    try {
      await hooks?.after(updated);
    } finally {
      for (const counted of updated.clipped) {
        for (const array of Object.values(counted)) backend.dispose(array);
      }
    }
  };

  /** Neither a failed run nor a failed update uses up random numbers: tried again it draws the same. */
  const undone = async <T>(body: () => Promise<T>): Promise<T> => {
    const { state } = random;
    try {
      return await body();
    } catch (error) {
      random.state = state;
      throw error;
    }
  };

  return {
    driver,
    random,
    get gathered() {
      return gathered;
    },
    get spoiled() {
      return spoiled;
    },
    gatheredArrays: () => {
      const kinds = needsSquares ? ["gathered", "squares"] as const : ["gathered"] as const;
      return parameters.flatMap((p) =>
        kinds.map((kind) => ({ parameter: p.name, kind, dims: p.dims, array: arrayOf(p, kind) }))
      );
    },
    async open() {
      // With micro-batches the last one of an update brings the sample.
      const samples = !gathers || gathering === "sum";
      await setup.graphs.training({
        squares: needsSquares && !gathers,
        curvature: samples ? sampler.graphCurvature : undefined,
      });
    },
    gather: (feeds, gatherOptions) =>
      undone(async () => {
        const pending = await run(feeds, gatherOptions);
        const counts = countsWith(pending);
        const arrays = parameters.map((p) => ({
          shape: p.dims,
          gradient: p.gradient,
          gathered: arrayOf(p, "gathered"),
          ...(needsSquares ? { squares: arrayOf(p, "squares") } : {}),
        }));
        sums.inPlace.add(arrays, counts.runs, gathering);
        take(pending);
        gathered = counts;
        return { loss: pending.loss, outputs: pending.outputs };
      }),
    step: (feeds, gatherOptions, hooks) =>
      undone(async () => {
        const pending = await run(feeds, gatherOptions);
        await driver.ready();
        const counts = countsWith(pending);
        // Of one example the squared gradient is known, though no variance.
        const alone = usesOwnSquares && !gathers && counts.examples === 1;
        // In new arrays: what was gathered before stays until the update is made.
        const means = gathers || alone
          ? sums.anew.add(
            parameters.map((p) => ({
              shape: p.dims,
              gradient: p.gradient,
              gathered: counts.runs > 1 ? p.gathered : undefined,
              squares: counts.runs > 1 && needsSquares ? p.squares : undefined,
            })),
            counts.runs,
            gathering,
          )
          : undefined;
        const countClipped = hooks?.before();
        let updated;
        try {
          updated = updateWith(
            contributionsOf(counts, pending.sampled || sampled, means),
            countClipped,
          );
        } catch (error) {
          for (const { gathered, squares } of means ?? []) {
            backend.dispose(gathered);
            if (squares !== undefined) backend.dispose(squares);
          }
          hooks?.abandon();
          throw error;
        }
        take(pending);
        means?.forEach((mean, k) => {
          const p = parameters[k]!;
          if (p.gathered !== undefined) backend.dispose(p.gathered);
          p.gathered = mean.gathered;
          if (mean.squares === undefined) return;
          if (p.squares !== undefined) backend.dispose(p.squares);
          p.squares = mean.squares;
        });
        await finish(updated, hooks);
        return { loss: pending.loss, outputs: pending.outputs };
      }),
    get curvatureDue() {
      return due();
    },
    compute: (feeds, { sampleCurvature: sample = false, ...options }) =>
      undone(async () => {
        if (sample && !sampler.samples) {
          throw new TypeError(
            "Cannot compute gradients: a curvature sample is asked for, and the optimizer takes none; " +
              "create the trainer with the definition of the one that takes the step",
          );
        }
        const { loss, outputs, batchSize } = await run(feeds, { ...options, sample, early: true });
        const squared = needsSquares && !gathers && batchSize >= 2;
        return {
          loss,
          outputs,
          batchSize,
          gradients: parameters.map((p) => p.gradient),
          squares: squared ? parameters.map((p) => p.squares!) : undefined,
          curvature: sample ? parameters.map(sampleInto) : undefined,
        };
      }),
    async stepWith({ gradients, gradientSquares, microBatches, batchSize, curvature }, hooks) {
      const samples = sampler.samples ? curvature : undefined;
      if (due() && !samples) {
        throw new TypeError(
          `Cannot apply replicas: a curvature sample is due, which they do not bring; ` +
            `give computeGradients() { sampleCurvature: trainer.curvatureDue }`,
        );
      }
      await driver.ready();
      spoiled = true;
      const squared = needsSquares ? gradientSquares : undefined;
      const list = parameters.map((p): Contribution<A> => {
        const gradient = gradientOf(p);
        host.write(gradient, gradients[p.name]!);
        const squares = squared && arrayOf(p, "squares");
        if (squares !== undefined) host.write(squares, squared![p.name]!);
        const sample = samples && sampleInto(p);
        if (sample !== undefined) host.write(sample, samples![p.name]!);
        return {
          name: p.name,
          shape: p.dims,
          weights: p.weights,
          gradient,
          gradientSquares: squares,
          curvature: sample,
        };
      });
      const countClipped = hooks.before();
      let updated;
      try {
        updated = updateWith({ list, batchSize, microBatches }, countClipped);
      } catch (error) {
        hooks.abandon();
        throw error;
      }
      spoiled = false;
      await finish(updated, hooks);
    },
    update() {
      updateWith(contributionsOf(gathered, sampled), undefined);
      sampled = false;
    },
    gradientOf,
    reset(counts = none) {
      gathered = counts;
      sampled = false;
      spoiled = false;
    },
    forward: runner.forward,
    dispose() {
      driver.dispose();
      sums.inPlace.dispose();
      sums.anew.dispose();
      sampler.dispose();
    },
  };
}
