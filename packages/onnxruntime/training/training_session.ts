/**
 * The removed TrainingSession.
 *
 * @module
 */
import type { Definition } from "@precond/core";
import { checkValue } from "@precond/core/backend";
import * as kinds from "@precond/core/kinds";
import { loading } from "@precond/onnx/on_demand";
import type { Engine } from "../engine/engine_types.ts";
import { openEngine } from "../engine/open_engine.ts";
import { bytesOf } from "../engine/feeds/element_types.ts";
import { kindOf } from "../engine/feeds/kind_of.ts";
import { takeFeeds } from "../engine/feeds/take_feeds.ts";
import { type Setup, setUp } from "../engine/set_up.ts";
import { readSource } from "../graphs/source.ts";
import type { Feeds, InferenceSession, Ort, Tensor } from "../hosts/ort.ts";
import { exportTrained } from "../saving/export_trained.ts";
import { checkBuild, checkTrainerOptions } from "../trainer/check_options.ts";
import { oneByOne } from "../trainer/one_by_one.ts";
import { flatParameters } from "./flat_parameters.ts";

/** A file's address (for fetch) or contents. */
export type UriOrBuffer = string | Uint8Array;

/** The training artifacts. */
export interface TrainingSessionCreateOptions {
  /** The checkpoint file, or the files of a checkpoint folder of builds before 1.16, by their names. */
  readonly checkpointState: UriOrBuffer | Readonly<Record<string, UriOrBuffer>>;
  readonly trainModel: UriOrBuffer;
  /** Default none; see `optimizer` of {@linkcode TrainingSessionOptions}. */
  readonly optimizerModel?: UriOrBuffer;
  /** Default none: then `runEvalStep()` is refused. */
  readonly evalModel?: UriOrBuffer;
}

/** Session options, and what the removed API never had. */
export interface TrainingSessionOptions extends InferenceSession.SessionOptions {
  /** Any optimizer; default: the optimizer model's. Without either `runOptimizerStep()` is refused. */
  readonly optimizer?: Definition;
}

type Results = Readonly<Record<string, Tensor>>;
type Fetches = readonly string[] | Readonly<Record<string, Tensor | null>>;

/**
 * ONNX Runtime's TrainingSession of 1.17 to 1.19, on current builds: gradients of runTrainStep() add
 * up until lazyResetGrad(), as they did.
 */
export interface TrainingSession {
  /**
   * Forward and backward pass on the training model; the gradient is added to what was there.
   *
   * @throws {RangeError} For a loss that is NaN or infinite (the removed session went on); nothing
   *   has changed then.
   */
  runTrainStep(feeds: Feeds, fetches?: Fetches | object, options?: object): Promise<Results>;
  /** Updates the parameters with the gradient, which is kept; before the first run it is 0. */
  runOptimizerStep(options?: object): Promise<void>;
  /** The next runTrainStep() starts from a gradient of zero. */
  lazyResetGrad(): Promise<void>;
  /** Forward pass on the evaluation model. */
  runEvalStep(feeds: Feeds, fetches?: Fetches | object, options?: object): Promise<Results>;
  /** Number of elements of all parameters, or of those that are trained. */
  getParametersSize(trainableOnly?: boolean): Promise<number>;
  /** All parameters, one after the other, as one float32 tensor. */
  getContiguousParameters(trainableOnly?: boolean): Promise<Tensor>;
  /** Overwrites parameters from the bytes of such a tensor. */
  loadParametersBuffer(buffer: Uint8Array, trainableOnly?: boolean): Promise<void>;
  release(): Promise<void>;
  readonly trainingInputNames: readonly string[];
  readonly trainingOutputNames: readonly string[];
  readonly evalInputNames: readonly string[];
  readonly evalOutputNames: readonly string[];

  /**
   * New: the learning rate of the next update, 0.001 at first. Setting it overrides the optimizer's
   * until undefined is set; undefined if the optimizer has none.
   *
   * @throws {TypeError} If it is set and the optimizer has no learningRate().
   * @throws {RangeError} If it is set to what is negative, infinite or NaN.
   */
  learningRate: number | undefined;
  /** New: a copy of the gradient that runOptimizerStep() would use. */
  getGradient(parameter: string): Promise<Float32Array>;
  /** New: names of the trained parameters, in the order of getContiguousParameters(). */
  readonly parameterNames: readonly string[];
  /** New: the inference model with the trained parameters. */
  exportModel(): Promise<Uint8Array>;
}

/**
 * Opens training artifacts with a build of ONNX Runtime that has no training.
 *
 * @throws {TypeError} For a file that cannot be fetched.
 * @throws {OnnxError} For artifacts that are damaged, or do not belong together.
 *
 * @example
 * ```ts
 * import { createTrainingSession } from "@precond/onnxruntime";
 * import * as ort from "onnxruntime-node";
 *
 * const open = (checkpointState: Uint8Array, trainModel: Uint8Array, optimizerModel: Uint8Array) =>
 *   createTrainingSession(ort, { checkpointState, trainModel, optimizerModel });
 * ```
 */
export async function createTrainingSession(
  ort: Ort,
  files: TrainingSessionCreateOptions,
  { optimizer, ...sessionOptions }: TrainingSessionOptions = {},
): Promise<TrainingSession> {
  const action = "create the training session";
  checkBuild(ort);
  if (optimizer !== undefined) checkValue(action, optimizer, kinds.definition, "optimizer");
  const [checkpoint, training, optimizerModel, evaluation] = await Promise.all([
    checkpointOf(files.checkpointState),
    contents(files.trainModel),
    files.optimizerModel === undefined ? undefined : contents(files.optimizerModel),
    files.evalModel === undefined ? undefined : contents(files.evalModel),
  ]);
  const source = await loading(() =>
    readSource({
      training: training!,
      checkpoint: checkpoint!,
      ...(optimizerModel === undefined ? {} : { optimizer: optimizerModel }),
      ...(evaluation === undefined ? {} : { eval: evaluation }),
    })
  );
  const options = checkTrainerOptions({
    sessionOptions,
    executionProviders: sessionOptions.executionProviders ?? ["cpu"],
    // As the removed session: all outputs are returned, frozen parameters can be set.
    outputs: source.names.trainingOutputNames.slice(1),
    frozen: source.frozen,
    ...(optimizer === undefined ? {} : { optimizer }),
  });
  const setup = await setUp(ort, source, options);
  const engine = await openEngine(action, ort, setup, options, "sum");
  const hasOptimizer = optimizer !== undefined || optimizerModel !== undefined;
  return makeSession(ort, setup, engine, { hasOptimizer, hasEvaluation: evaluation !== undefined });
}

async function checkpointOf(
  given: TrainingSessionCreateOptions["checkpointState"],
): Promise<Uint8Array | Record<string, Uint8Array>> {
  if (typeof given !== "object" || given === null || bytesOf(given) !== undefined) {
    return await contents(given as UriOrBuffer);
  }
  const files = Object.entries(given as Readonly<Record<string, UriOrBuffer>>);
  return Object.fromEntries(
    await Promise.all(files.map(async ([name, file]) => [name, await contents(file)] as const)),
  );
}

async function contents(file: UriOrBuffer): Promise<Uint8Array> {
  const bytes = bytesOf(file);
  if (bytes !== undefined) return bytes;
  if (typeof file !== "string") {
    throw new TypeError(
      `Cannot create the training session: expected an address or a Uint8Array, given is ${
        kindOf(file)
      }`,
    );
  }
  const response = await fetch(file).catch((cause) => {
    throw new TypeError(
      `Cannot fetch "${file}": ${(cause as Error).message}; outside of a page give the file's ` +
        `contents as a Uint8Array`,
      { cause },
    );
  });
  if (!response.ok) {
    throw new TypeError(`Cannot fetch "${file}": status ${response.status}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

function makeSession<A>(
  ort: Ort,
  setup: Setup<A>,
  engine: Engine<A>,
  has: { hasOptimizer: boolean; hasEvaluation: boolean },
): TrainingSession {
  const { host, parameters } = setup;
  const { driver } = engine;
  const inTurn = oneByOne(setup.lost);
  const flat = flatParameters(host, parameters, setup.fixed);
  const { names } = setup.plan.source;
  let fresh = false;
  // A curvature sample is taken in the first run after an update.
  let updated = true;

  /** Names of what is asked for; what are no outputs in an object are options of the run. */
  const namesIn = (fetches: unknown, outputs: readonly string[]): readonly string[] => {
    const wanted = Array.isArray(fetches)
      ? fetches as string[]
      : fetches !== null && typeof fetches === "object" &&
          Object.keys(fetches).some((name) => outputs.includes(name))
      ? Object.keys(fetches)
      : outputs;
    const missing = wanted.find((name) => !outputs.includes(name));
    if (missing !== undefined) {
      throw new TypeError(`Cannot fetch "${missing}": outputs are ${outputs.join(", ")}`);
    }
    return wanted;
  };
  const pick = (results: Results, wanted: readonly string[]): Results =>
    Object.fromEntries(wanted.map((name) => [name, results[name]!]));

  const session: TrainingSession = {
    ...names,
    evalInputNames: has.hasEvaluation ? names.evalInputNames : [],
    evalOutputNames: has.hasEvaluation ? names.evalOutputNames : [],
    parameterNames: parameters.map((p) => p.name),
    get learningRate() {
      return driver.learningRate;
    },
    set learningRate(rate) {
      driver.learningRate = rate;
    },
    runTrainStep(feeds, fetches) {
      const taken = takeFeeds(feeds);
      return inTurn("run the training step", async () => {
        // Before the run, which changes the gradient.
        const wanted = namesIn(fetches, names.trainingOutputNames);
        const sample = updated || fresh;
        const { loss, outputs } = await engine.gather(taken, { sample, afresh: fresh });
        fresh = updated = false;
        const lossTensor = new ort.Tensor("float32", Float32Array.of(loss), []);
        return pick({ [names.trainingOutputNames[0]!]: lossTensor, ...outputs }, wanted);
      });
    },
    runOptimizerStep: () =>
      inTurn("run the optimizer step", () => {
        if (!has.hasOptimizer) {
          throw new TypeError(
            "Cannot run the optimizer step: give an optimizerModel, or an optimizer in the options",
          );
        }
        engine.update();
        updated = true;
        return Promise.resolve();
      }),
    lazyResetGrad: () =>
      inTurn("reset the gradient", () => {
        fresh = true;
        return Promise.resolve();
      }),
    runEvalStep(feeds, fetches) {
      const taken = takeFeeds(feeds);
      return inTurn("run the evaluation step", async () => {
        if (!has.hasEvaluation) {
          throw new TypeError("Cannot run the evaluation step: give an evalModel");
        }
        const loaded = await setup.graphs.evaluation();
        const wanted = namesIn(fetches, names.evalOutputNames);
        return pick(await engine.forward("run the evaluation step", loaded, taken), wanted);
      });
    },
    getParametersSize: (trainableOnly = true) =>
      inTurn("get the size of the parameters", () => Promise.resolve(flat.size(trainableOnly))),
    getContiguousParameters: (trainableOnly = true) =>
      inTurn("get the parameters", async () => {
        const values = await flat.read(trainableOnly);
        return new ort.Tensor("float32", values, [values.length]);
      }),
    loadParametersBuffer(buffer, trainableOnly = true) {
      // The bytes as they are now.
      const bytes = bytesOf(buffer)?.slice();
      return inTurn("load the parameters", () => {
        if (bytes === undefined) {
          throw new TypeError(
            `Cannot load the parameters: expected a Uint8Array, given is ${kindOf(buffer)}`,
          );
        }
        flat.write(bytes, trainableOnly);
        return Promise.resolve();
      });
    },
    getGradient: (name) =>
      inTurn("get the gradient", async () => {
        const p = parameters.find((p) => p.name === name);
        if (p?.gathered === undefined) {
          throw new TypeError(`Cannot get the gradient of "${name}": there is none`);
        }
        return (await host.backend.read(p.gathered)).slice();
      }),
    exportModel: () => inTurn("export the model", () => exportTrained(setup)),
    release: () =>
      inTurn.last("release", async () => {
        engine.dispose();
        await setup.dispose();
      }),
  };
  return session;
}
