/**
 * What a trainer does.
 *
 * @module
 */
import type { Definition, Replica, TelemetryOptions } from "@precond/core";
import type { Feeds, Tensor } from "../hosts/ort.ts";
import type {
  AdapterFiles,
  Batches,
  ComputedGradients,
  ComputeOptions,
  ExportModelOptions,
  FitOptions,
  Progress,
  SaveAdapterOptions,
  SaveOptions,
  StepOptions,
  StepOutcome,
} from "./options.ts";

/** `Symbol.asyncDispose` where the caller's TypeScript knows it: `await using trainer = …`. */
type AsyncDisposal = SymbolConstructor extends { readonly asyncDispose: infer S extends symbol }
  ? { readonly [K in S]: () => Promise<void> }
  : object;

/** Trains an ONNX model. */
export interface Trainer extends AsyncDisposal {
  /** Names of the trained parameters. */
  readonly parameters: readonly string[];
  /**
   * Where PyTorch's exporter noted the module's parameters: what it made of those that the file does
   * not hold as they were (folded, merged, dropped), and what to do. Empty where training the file is
   * training the module.
   */
  readonly notes: readonly string[];
  /** The optimizer that trains. */
  readonly definition: Definition;
  /** Updates done. */
  readonly iteration: number;
  /**
   * The learning rate that the next update takes; undefined if the optimizer has none. Setting it
   * overrides the schedule until undefined is set: with groups it is the first one's, and the others
   * keep their ratios to it. It is saved with the state.
   *
   * @throws {TypeError} If it is set and the optimizer, or one of its groups, has no learningRate().
   * @throws {RangeError} If it is set to what is negative, infinite or NaN.
   */
  learningRate: number | undefined;
  /**
   * One forward and backward pass, and an update (with `accumulate: k` after every k-th). Feeds are
   * copied when step() is called; tensors on a GPU are read when its turn comes.
   *
   * A step that throws has changed nothing: parameters, the optimizer, running statistics, random
   * numbers, micro-batches and counts are as before.
   *
   * @throws {TypeError} For feeds that do not fit, and labels that are none of the classes.
   * @throws {RangeError} For a loss that is NaN or infinite, and a batch without examples.
   */
  step(feeds: Feeds, options?: StepOptions): Promise<StepOutcome>;
  /**
   * The loss and the mean gradient of a batch, for another worker's applyReplicas(): one forward and
   * backward pass, of which nothing is kept but what random numbers were drawn. Where the optimizer needs
   * `gradientSquares`, the squares of the examples' gradients are there, too; a curvature sample is if
   * `sampleCurvature` says so. Workers that draw labels or signs should differ in their `seed`.
   *
   * @throws As step() does; and {TypeError} for a sample that the optimizer has no source of.
   */
  computeGradients(
    feeds: Feeds,
    options?: StepOptions & ComputeOptions,
  ): Promise<ComputedGradients>;
  /** Whether the next update needs a curvature sample, which replicas have to bring. */
  readonly curvatureDue: boolean;
  /**
   * One update from the gradients of workers that share a batch: their mean by numbers of examples, and as
   * `gradientSquares` what their differences tell of the noise, see combineReplicas() of `@precond/core`;
   * curvature samples are averaged, too.
   * Arrays are read when it is called. If it throws, nothing has changed.
   *
   * @throws {TypeError | RangeError} For replicas that do not fit each other or the trained parameters;
   * in the middle of an accumulated update; and when a curvature sample is due that replicas do not
   * bring.
   */
  applyReplicas(replicas: readonly Replica[]): Promise<void>;
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
  /**
   * A copy of the named slot (`stage.slot`) of a trained parameter's optimizer state.
   *
   * @throws {TypeError} For a parameter or slot that is not there; the known ones are listed.
   */
  slot(parameter: string, slot: string): Promise<Float32Array>;
  /**
   * The gradient that the last update used.
   *
   * @throws {TypeError} After a step that failed and had overwritten it.
   */
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
   * The trainer that saved may have trained another choice of the model's parameters: those that it
   * did not train begin with the model's values and without a state; those that are not trained here
   * become frozen, with the file's values.
   *
   * @throws {TypeError} For a file that is damaged or belongs to another model or optimizer; for one
   *   saved after `accumulate` or more micro-batches of an update; and while a call is running, which
   *   it names: unlike the others, load() does not wait for its turn.
   */
  load(bytes: Uint8Array): void;
  /**
   * The adapters of a model of addLora() of `@precond/onnx`, as files by their names: those of Hugging
   * Face's PEFT (default), or an `.onnx_adapter`.
   *
   * @throws {TypeError} For a model without adapters.
   */
  saveAdapter(options?: SaveAdapterOptions): Promise<Readonly<Record<string, Uint8Array>>>;
  /**
   * Swaps the adapters for those of files, of saveAdapter() or of PEFT, on the sessions that are open;
   * the optimizer starts afresh. `adapter_model.safetensors` may be of lower rank, and with its
   * `adapter_config.json` of another alpha: what is computed is what PEFT computes.
   *
   * @throws {TypeError} For a model without adapters, or files of none; and while a call is running,
   *   which it names, as load() does.
   * @throws {OnnxError} For adapters of other layers, of higher rank, or that are not plain LoRA;
   *   nothing has changed then.
   */
  loadAdapter(files: AdapterFiles | Uint8Array): void;
  /**
   * The model for inference, with the trained parameters; with `averaged`, with the averages that
   * averageWeights() of `@precond/core` keeps of them.
   *
   * @throws {TypeError} With `averaged`, where the optimizer of a parameter keeps none.
   */
  exportModel(options?: ExportModelOptions): Promise<Uint8Array>;
  /** Frees sessions, memory and buffers, after the step that is running; a second call does nothing. */
  release(): Promise<void>;
}
