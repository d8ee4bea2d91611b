/** @module */
import type { Definition } from "@precond/core";
import * as tf from "@tensorflow/tfjs-core";
import { gradientEntries, type Gradients } from "./contributions.ts";
import { checkRate, rateOf } from "./learning_rate.ts";
import { createMinimizer } from "./minimizer.ts";
import { configOf, readConfig } from "./config.ts";
import type { Cost, PrecondOptions, ResolvedOptions, TensorEvidence } from "./options.ts";
import { checkCount, resolveOptions } from "./options.ts";
import type { TelemetryOptions } from "../evidence/telemetry.ts";
import { createTelemetry } from "../evidence/telemetry_session.ts";
import { createUpdater } from "./updater.ts";
import { createStates, type NamedTensors } from "../state/variable_states.ts";

/** A `tf.Optimizer` that runs a chain; made by `precond`. */
export class PrecondOptimizer extends tf.Optimizer {
  static readonly className: string = "PrecondOptimizer";
  readonly definition: Definition;
  readonly #options: ResolvedOptions;
  readonly #states: ReturnType<typeof createStates>;
  readonly #updater: ReturnType<typeof createUpdater>;
  readonly #minimizer: ReturnType<typeof createMinimizer>;
  #rate: number | undefined;

  constructor(definition: Definition, options: PrecondOptions = {}) {
    super();
    this.definition = definition;
    this.#options = resolveOptions(options);
    this.#states = createStates(definition);
    this.#updater = createUpdater(definition, this.#options, this.#states);
    this.#minimizer = createMinimizer(this, this.#options, this.#states, this.#updater);
  }

  /** The learning rate of the next update. Setting it overrides the chain's, schedules included. */
  get learningRate(): number {
    return this.#rate ?? rateOf(this.definition, this.#states.driver.iteration + 1);
  }

  set learningRate(rate: number) {
    this.#rate = checkRate(this.definition, rate);
  }

  /** Calls whose mean gradient makes one update. Setting it drops a half-done accumulation. */
  get accumulate(): number {
    return this.#updater.accumulate;
  }

  set accumulate(calls: number) {
    this.#updater.setAccumulate(checkCount("accumulate", calls));
  }

  /** Gradient evaluations so far; a micro-batch counts as one. */
  get cost(): Cost {
    return this.#minimizer.cost;
  }

  /**
   * One update: the gradients of `f`, the samples that are due, and, in every k-th call, the step.
   *
   * @param f The mean loss over the batch. For samples with drawn labels or random signs: a
   * `classification()`, `binary()` or `squaredError()` closure, or one that calls `evidenceLoss()`.
   */
  override minimize(
    f: () => tf.Scalar,
    returnCost = false,
    varList?: tf.Variable[],
  ): tf.Scalar | null {
    return this.#minimizer.single(f, returnCost, varList);
  }

  /**
   * One update from k closures over micro-batches of equal size: their mean gradient, and the mean
   * of their squared gradients as `gradientSquares`. A curvature sample that is due is taken on the
   * first of them.
   *
   * @throws {RangeError} For fewer than two closures.
   * @throws {TypeError} If the optimizer accumulates calls.
   */
  minimizeMicroBatches(
    closures: readonly (() => tf.Scalar)[],
    returnCost = false,
    varList?: tf.Variable[],
  ): tf.Scalar | null {
    return this.#minimizer.microBatches(closures, returnCost, varList);
  }

  /**
   * One update from ready gradients (means over the batch): an array of `{name, tensor}`, where
   * `tensor` may be undefined, or a map from variable name to tensor. The caller keeps the tensors.
   *
   * @throws {TypeError} For an unknown variable, a wrong shape or dtype, or missing evidence; then
   * nothing has changed.
   */
  override applyGradients(gradients: Gradients, evidence: TensorEvidence = {}): void {
    const updated = this.#updater.apply(gradientEntries(gradients), evidence, this.#rate);
    if (updated) this.incrementIterations();
  }

  /** A copy of the named slot (`stage.slot`, such as `signalFraction.m`) of a variable. */
  slot(variable: string, slot: string): Promise<Float32Array> {
    return this.#states.slot(variable, slot);
  }

  /** The state as named tensors, for `model.save`; the caller disposes them. */
  override async getWeights(): Promise<NamedTensors> {
    return [await this.saveIterations(), ...await this.#states.toTensors()];
  }

  /** Restores what {@linkcode getWeights} gave, or throws a TypeError and changes nothing. */
  override async setWeights(weightValues: NamedTensors): Promise<void> {
    await this.#states.fromTensors(weightValues);
    await this.extractIterations(weightValues);
    this.#updater.drop();
  }

  /** The state as a safetensors file; a half-done accumulation is not part of it. */
  save(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#states.save();
  }

  /** Restores a file of {@linkcode save}, or throws a TypeError and changes nothing. */
  load(bytes: Uint8Array): void {
    this.#states.load(bytes);
    this.iterations_ = this.#states.driver.iteration;
    this.#updater.drop();
  }

  /**
   * Reports, every `every` updates, what the noise looks like: T, signal, noise and gradient noise
   * scale by variable and overall, update norm, skipped steps. Sums are made on the device and read
   * back asynchronously. Variables whose chain has no `signalFraction()` are left out. Returns a
   * function that ends it.
   *
   * @throws {RangeError} If `every` is not a positive integer.
   */
  telemetry(options: TelemetryOptions): () => void {
    return this.#updater.watch(createTelemetry(this.#states, options));
  }

  /** Disposes the state and a half-done accumulation. */
  override dispose(): void {
    this.#states.dispose();
    this.#updater.drop();
    this.#minimizer.release();
  }

  /** The chain as JSON, for `model.save`; a TypeError if it holds functions of the caller's own. */
  getConfig(): tf.serialization.ConfigDict {
    return configOf(this.definition, { ...this.#options, accumulate: this.accumulate }, this.#rate);
  }

  /** Makes the optimizer that {@linkcode getConfig} described. */
  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    const { definition, options, rate } = readConfig(config);
    const optimizer = new (cls as unknown as typeof PrecondOptimizer)(definition, options);
    optimizer.#rate = rate;
    return optimizer as unknown as T;
  }
}

tf.serialization.registerClass(PrecondOptimizer);
