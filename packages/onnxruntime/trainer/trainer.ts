/** @module */
import type { TelemetryOptions } from "@precond/core";
import { exportedParameters, exportNotes } from "@precond/onnx";
import { checkLearningRate } from "./check_options.ts";
import { createEngine } from "../engine/engine.ts";
import type { Updated } from "../engine/engine_types.ts";
import { requireExamples } from "../engine/feeds/feeds.ts";
import { fitTrainer } from "./fit.ts";
import { kindOf } from "../engine/feeds/kind_of.ts";
import { oneByOne } from "./one_by_one.ts";
import type { Feeds, Ort, Tensor } from "../ort.ts";
import { type Parameter, type Setup, setUp } from "./set_up.ts";
import type { TrainerSource } from "../graphs/source.ts";
import { exportTrained, loadTrainer, saveTrainer } from "../saving/persistence.ts";
import { createTelemetry, type Telemetry } from "../engine/telemetry.ts";
import type {
  Batches,
  FitOptions,
  Progress,
  SaveOptions,
  StepOptions,
  StepOutcome,
  TrainerOptions,
} from "./options.ts";

/** Trains an ONNX model. */
export interface Trainer {
  /** Names of the trained parameters. */
  readonly parameters: readonly string[];
  /**
   * Where PyTorch's exporter noted the module's parameters: what it made of those that the file does
   * not hold as they were (folded, merged, dropped), and what to do. Empty where training the file is
   * training the module.
   */
  readonly notes: readonly string[];
  /** Updates done. */
  readonly iteration: number;
  /**
   * Overrides the optimizer's learning rate; undefined follows its schedule.
   *
   * @throws {RangeError} If it is set to what is negative, infinite or NaN.
   */
  learningRate: number | undefined;
  /**
   * One forward and backward pass, and an update (with `accumulate: k` after every k-th).
   *
   * @throws {TypeError} For feeds that do not fit, and labels that are none of the classes; nothing
   *   has changed then.
   * @throws {RangeError} For a loss that is NaN or infinite, and a batch without examples; nothing has
   *   changed then.
   */
  step(feeds: Feeds, options?: StepOptions): Promise<StepOutcome>;
  /** Loss and outputs without an update, in inference mode. */
  evaluate(feeds: Feeds): Promise<StepOutcome>;
  /** The model's outputs. */
  predict(feeds: Feeds): Promise<Readonly<Record<string, Tensor>>>;
  /**
   * Steps over all batches, epoch by epoch. With `accumulate`, micro-batches that are left at the end
   * count towards the next update.
   *
   * @returns Where it ended; undefined if it was stopped before the first step.
   * @throws {TypeError} For what cannot be iterated over, and an epoch without batches.
   */
  fit(batches: Batches, options?: FitOptions): Promise<Progress | undefined>;
  /** A copy of a parameter's values; also of one listed as `frozen`, or of a running statistic. */
  parameter(name: string): Promise<Float32Array>;
  /**
   * Overwrites a parameter, or what else parameter() reads.
   *
   * @throws {TypeError} For another number of elements, and while a call is running, which it names.
   */
  setParameter(name: string, values: Float32Array): void;
  /** The gradient that the last step used. */
  gradient(name: string): Promise<Float32Array>;
  /**
   * Reports what the noise looks like after every `every`-th update, before its step() resolves:
   * fields as in `TelemetryReport` of @precond/core, `variables` by parameter. All sums are made where
   * the parameters are; a few numbers a parameter are read back.
   *
   * @returns A function that ends it.
   * @throws {RangeError} If `every` is not a positive integer.
   */
  telemetry(options: TelemetryOptions): () => void;
  /**
   * Parameters, optimizer state and random numbers in one file: safetensors (default), or a
   * checkpoint of ONNX Runtime, from which its own training builds take the parameters. With
   * `accumulate`, what was gathered for the next update is in it, too.
   */
  save(options?: SaveOptions): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Restores what save() gave in either format: everything, or nothing if the file does not fit. From
   * a checkpoint that something else wrote, the parameters; the optimizer starts afresh.
   *
   * @throws {TypeError} For a file that is damaged or belongs to another model or optimizer; for one
   *   saved after `accumulate` or more micro-batches of an update; and while a call is running, which
   *   it names: unlike the others, load() does not wait for its turn.
   */
  load(bytes: Uint8Array): void;
  /** The model for inference, with the trained parameters. */
  exportModel(): Promise<Uint8Array>;
  /** Frees sessions, memory and buffers, after the step that is running. */
  release(): Promise<void>;
}

/** Makes trainers. */
export const Trainer: {
  /**
   * Trains a model on a build of ONNX Runtime that is passed in.
   *
   * @throws {OnnxError} For files and graphs that cannot be taken: nodes without a rule, no trainable
   *   float parameter, a loss on probabilities.
   * @throws {TypeError} For arguments of another type, and parameters that are not float32.
   * @throws {RangeError} For options out of range.
   *
   * @example
   * ```ts
   * import { signalSgd } from "@precond/core";
   * import { type Feeds, Trainer } from "@precond/onnxruntime";
   * import * as ort from "onnxruntime-node";
   *
   * async function train(model: Uint8Array, batches: Iterable<Feeds>): Promise<Uint8Array> {
   *   const trainer = await Trainer.create(ort, { model, loss: { type: "crossEntropy" } }, {
   *     optimizer: signalSgd({ learningRate: 0.1 }),
   *   });
   *   for (const { x, labels } of batches) {
   *     const { loss } = await trainer.step({ x: x!, labels: labels! });
   *     console.log(loss);
   *   }
   *   const trained = await trainer.exportModel();
   *   await trainer.release();
   *   return trained;
   * }
   * ```
   */
  create(ort: Ort, source: TrainerSource, options?: TrainerOptions): Promise<Trainer>;
} = {
  async create(ort, source, options = {}) {
    return makeTrainer(ort, await setUp(ort, source, options), options);
  },
};

function makeTrainer<A>(ort: Ort, setup: Setup<A>, options: TrainerOptions): Trainer {
  const { host, graphs, parameters } = setup;
  const { backend } = host;
  const { accumulate = 1 } = options;
  const engine = createEngine(ort, setup, options);
  const { driver, random } = engine;
  const byName = new Map(parameters.map((p) => [p.name, p]));
  const names = parameters.map((p) => p.name);
  const inTurn = oneByOne(setup.lost);
  let learningRate: number | undefined;

  const watchers = new Set<Telemetry<A>>();

  const update = async () => {
    const due = [...watchers].filter((watcher) => watcher.before());
    let counted: Updated<A>["clipped"] = [];
    try {
      const { batchSize, clipped } = engine.update(learningRate, { countClipped: due.length > 0 });
      counted = clipped;
      for (const watcher of due) {
        await watcher.after({ gradient: engine.gradientOf, batchSize, clipped });
      }
    } finally {
      for (const watcher of due) watcher.abandon();
      for (const counts of counted) {
        for (const array of Object.values(counts)) backend.dispose(array);
      }
    }
  };

  const find = (name: string): Parameter<A> => {
    const found = byName.get(name);
    if (found === undefined) {
      throw new TypeError(`Cannot find parameter "${name}": trained are ${names.join(", ")}`);
    }
    return found;
  };

  /** The array of a trained parameter, a frozen one or a running statistic. */
  const valuesOf = (name: string): { array: A; size: number } => {
    const fixed = setup.statistics.find((s) => s.name === name);
    if (fixed !== undefined) {
      return { array: fixed.current, size: fixed.dims.reduce((a, b) => a * b, 1) };
    }
    const { weights, size } = find(name);
    return { array: weights, size };
  };

  /** What a file holds besides the optimizer's state. */
  const kept = () => ({
    parameters: parameters.map(({ name, dims, weights }) => ({ name, dims, array: weights })),
    fixed: setup.statistics.map(({ name, dims, current }) => ({ name, dims, array: current })),
  });

  const trainer: Trainer = {
    parameters: names,
    notes: exportNotes(exportedParameters(setup.source.model)),
    get iteration() {
      return driver.iteration;
    },
    get learningRate() {
      return learningRate;
    },
    set learningRate(rate) {
      learningRate = checkLearningRate(rate);
    },
    step: (feeds, stepOptions = {}) =>
      inTurn("step", async () => {
        const last = engine.gathered.runs === accumulate - 1;
        const { loss, outputs } = await engine.gather(feeds, { ...stepOptions, sample: last });
        if (last) await update();
        return { ...outputs, loss } as StepOutcome;
      }),
    evaluate: (feeds) =>
      inTurn("evaluate", async () => {
        requireExamples("evaluate", feeds);
        const loaded = await graphs.evaluation();
        const { [loaded.graph.loss!]: loss, ...outputs } = await engine.forward(
          "evaluate",
          loaded,
          feeds,
        );
        return { ...outputs, loss: await host.read(loss!) } as StepOutcome;
      }),
    predict: (feeds) =>
      inTurn(
        "predict",
        async () => await engine.forward("predict", await graphs.prediction(), feeds),
      ),
    fit: (batches, fitOptions = {}) => fitTrainer(trainer, batches, fitOptions),
    parameter: (name) =>
      inTurn.aside(
        "read a parameter",
        async () => (await backend.read(valuesOf(name).array)).slice(),
      ),
    setParameter(name, values) {
      inTurn.idle("set a parameter");
      const { array, size } = valuesOf(name);
      if (values.length !== size) {
        throw new TypeError(
          `Cannot set "${name}": expected ${size} elements, given are ${values.length}`,
        );
      }
      host.write(array, values);
    },
    gradient: (name) =>
      inTurn.aside(
        "read a gradient",
        async () => (await backend.read(engine.gradientOf(find(name)))).slice(),
      ),
    telemetry(telemetryOptions) {
      inTurn.open("report telemetry");
      const watcher = createTelemetry(host, driver, parameters, telemetryOptions);
      watchers.add(watcher);
      return () => {
        if (!watchers.delete(watcher)) return;
        // After the step that may be running; a released trainer has disposed it.
        inTurn("stop telemetry", () => Promise.resolve(watcher.dispose())).catch(() => {});
      };
    },
    save: ({ format = "safetensors" } = {}) =>
      inTurn("save", () =>
        saveTrainer(driver, backend, kept(), {
          random: random.state,
          source: setup.source,
          format,
          engine,
        })),
    load(bytes) {
      inTurn.idle("load");
      if (!ArrayBuffer.isView(bytes)) {
        throw new TypeError(
          `Cannot load: expected the file's bytes as a Uint8Array, given is ${kindOf(bytes)}`,
        );
      }
      const state = loadTrainer(bytes, kept(), { driver, host, engine, accumulate });
      if (state !== undefined) random.state = state;
    },
    exportModel: () =>
      inTurn(
        "export the model",
        () => exportTrained(setup.source, backend, Object.values(kept()).flat()),
      ),
    release: () =>
      inTurn.last("release", async () => {
        await graphs.release();
        for (const watcher of watchers) watcher.dispose();
        engine.dispose();
        await host.dispose();
      }),
  };
  return trainer;
}
