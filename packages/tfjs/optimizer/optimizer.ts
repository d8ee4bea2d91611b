/** @module */
import type { Definition, Replica, TelemetryOptions } from "@precond/core";
import { checkValue } from "@precond/core/backend";
import * as kinds from "@precond/core/kinds";
import * as tf from "@tensorflow/tfjs-core";
import { partFor } from "../parts/registry.ts";
import type { NamedTensors } from "../state/named_tensors.ts";
import { createStates } from "../state/variable_states.ts";
import { gradientEntries, type Gradients } from "./contributions.ts";
import { createMinimizer } from "./minimizer.ts";
import type { Cost, PrecondOptions, ResolvedOptions, TensorEvidence } from "./options.ts";
import { checkAccumulate, checkEvidence, resolveOptions } from "./options.ts";
import { createUpdater } from "./updater.ts";

/** A `tf.Optimizer` that runs a chain; made by `precond`. */
export class PrecondOptimizer extends tf.Optimizer {
  static readonly className: string = "PrecondOptimizer";
  readonly definition: Definition;
  readonly #options: ResolvedOptions;
  readonly #states: ReturnType<typeof createStates>;
  readonly #updater: ReturnType<typeof createUpdater>;
  readonly #minimizer: ReturnType<typeof createMinimizer>;
  /** True while `model.save` may be what calls. */
  #isSaving = false;

  constructor(definition: Definition, options: PrecondOptions = {}) {
    super();
    checkValue("make the optimizer", definition, kinds.definition, "definition");
    this.#options = resolveOptions(options);
    this.definition = definition;
    this.#states = createStates(definition);
    this.#updater = createUpdater(definition, this.#options, this.#states);
    this.#minimizer = createMinimizer(this, this.#options, this.#states, this.#updater);
  }

  /**
   * The learning rate of the next update; 1 if the chain has none. Setting it overrides the chain's,
   * schedules included, and groups keep their ratios; `undefined` goes back to the schedule. It is saved.
   */
  get learningRate(): number {
    return this.#states.driver.learningRate ?? 1;
  }

  set learningRate(rate: number | undefined) {
    this.#states.driver.learningRate = rate;
  }

  /** Calls whose mean gradient makes one update. Setting it drops a half-done accumulation. */
  get accumulate(): number {
    return this.#updater.accumulate;
  }

  set accumulate(calls: number) {
    this.#updater.setAccumulate(checkAccumulate(calls));
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
    const updated = this.#updater.apply(gradientEntries(gradients), checkEvidence(evidence));
    // Not one more: a step that was held is none.
    if (updated) this.iterations_ = this.#states.driver.iteration;
  }

  /**
   * One update from the mean gradients of workers that share a batch, as arrays by the names of variables:
   * their mean by numbers of examples, and as `gradientSquares` what their differences tell of the noise,
   * see `combineReplicas()`. What a worker sends is `tf.variableGrads(loss).grads`, read. Curvature samples
   * that the replicas bring are averaged.
   *
   * @param evidence A curvature sample, if one is due and replicas bring none.
   * @throws {TypeError | RangeError} For replicas that do not fit each other or the variables, missing
   * evidence, and if the optimizer accumulates calls; then nothing has changed.
   */
  applyReplicas(
    replicas: readonly Replica[],
    evidence: Pick<TensorEvidence, "curvature"> = {},
  ): void {
    partFor("accumulation", "apply replicas").applyReplicas(this, replicas, evidence);
  }

  /** Whether the next update needs a curvature sample, which replicas have to bring. */
  get curvatureDue(): boolean {
    const { driver } = this.#states;
    return driver.curvatureDue([...driver.state().parameters.keys()]);
  }

  /** A copy of the named slot (`stage.slot`, such as `signalFraction.m`) of a variable. */
  slot(variable: string, slot: string): Promise<Float32Array> {
    return this.#states.slot(variable, slot);
  }

  /**
   * The state as named tensors; the caller disposes them. Those that `model.save` asks for dispose
   * themselves when it has read them.
   */
  override async getWeights(): Promise<NamedTensors> {
    const lent = this.#isSaving;
    const tensors = [await this.saveIterations(), ...await this.#states.toTensors()];
    return lent ? partFor("saving", "save").lendTensors(tensors) : tensors;
  }

  /** Restores what {@linkcode getWeights} gave, or throws a TypeError and changes nothing. */
  override async setWeights(weightValues: NamedTensors): Promise<void> {
    await this.#states.fromTensors(weightValues);
    this.iterations_ = this.#states.driver.iteration;
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
   * @throws {TypeError | RangeError} For options that do not exist, or are out of range.
   */
  telemetry(options: TelemetryOptions): () => void {
    const { createWatcher, readNumbers } = partFor("telemetry", "report telemetry");
    const { backend, driver } = this.#states;
    return this.#updater.watch(createWatcher({ backend, driver, readNumbers }, options));
  }

  /** Disposes the state and a half-done accumulation; a further step begins afresh. */
  override dispose(): void {
    this.iterations_ = 0;
    this.#states.dispose();
    this.#updater.dispose();
    this.#minimizer.dispose();
  }

  /** The chain as JSON, for `model.save`; a TypeError if it holds functions of the caller's own. */
  getConfig(): tf.serialization.ConfigDict {
    // model.save() asks for the weights in the same breath, and nobody else does.
    this.#isSaving = true;
    queueMicrotask(() => this.#isSaving = false);
    const { learningRate } = this.#states.driver.state();
    const options = { ...this.#options, accumulate: this.accumulate };
    const { configOf } = partFor("saving", "save");
    return configOf(this.definition, options, learningRate?.value);
  }

  /** Makes the optimizer that {@linkcode getConfig} described. */
  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    const { readConfig } = partFor("saving", "restore the optimizer");
    const { definition, options, rate } = readConfig(config);
    const optimizer = new (cls as unknown as typeof PrecondOptimizer)(definition, options);
    if (rate !== undefined) optimizer.learningRate = rate;
    return optimizer as unknown as T;
  }
}

tf.serialization.registerClass(PrecondOptimizer);
