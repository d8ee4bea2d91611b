/** @module */
import {
  type Contribution,
  createDriver,
  type Definition,
  type Driver,
  exportState,
  groupsOf,
  importState,
  loadState,
  parseDefinition,
  saveState,
  stringifyDefinition,
} from "@precond/core";
import * as tf from "@tensorflow/tfjs-core";
import { tensorBackend } from "./backends/tensors.ts";
import { curvatureSample } from "./evidence/curvature.ts";
import { microBatchEvidence } from "./evidence/micro_batches.ts";
import { matchStates } from "./state_names.ts";

/** Options of `precond`. */
export interface PrecondOptions {
  /** Seed of the random signs and labels of curvature samples; default 0. */
  readonly seed?: number;
  /** Step ε of the finite differences of `hutchinson()`; default 1e-3. */
  readonly differenceStep?: number;
  /**
   * Examples in each batch, for chains that weigh batches by size or use `empiricalFisher()`;
   * default: what the closure tells, else 1.
   */
  readonly batchSize?: number;
}

/** Evidence that the caller brings to `applyGradients`. */
export interface TensorEvidence {
  /** One curvature sample per variable. */
  readonly curvature?: tf.NamedTensorMap;
  /** Mean over `microBatches` micro-batches of the squared micro-batch mean gradient. */
  readonly gradientSquares?: tf.NamedTensorMap;
  readonly microBatches?: number;
  readonly batchSize?: number;
}

type Gradients = Parameters<tf.Optimizer["applyGradients"]>[0];
type NamedTensors = Awaited<ReturnType<tf.Optimizer["getWeights"]>>;

const stateName = "precond/state";

/** A `tf.Optimizer` that runs a chain; made by {@linkcode precond}. */
export class PrecondOptimizer extends tf.Optimizer {
  static readonly className: string = "PrecondOptimizer";
  readonly definition: Definition;
  readonly #options: PrecondOptions;
  readonly #backend: ReturnType<typeof tensorBackend> = tensorBackend();
  #driver: Driver<tf.Tensor>;
  #rate: number | undefined;
  /** The name under which a variable's state is kept. */
  #names: Map<string, string> = new Map();
  /** True from a restore until the next step, when saved states find their variables. */
  #restored = false;

  constructor(definition: Definition, options: PrecondOptions = {}) {
    super();
    this.definition = definition;
    this.#options = options;
    this.#driver = createDriver(definition, this.#backend);
  }

  /** The learning rate of the next update. Setting it overrides the chain's, schedules included. */
  get learningRate(): number {
    if (this.#rate !== undefined) return this.#rate;
    const iteration = this.#driver.iteration + 1;
    for (const { chain } of groupsOf(this.definition)) {
      const stage = chain.stages.find(({ name }) => name === "learningRate");
      const scalars = stage?.transform.scalars({
        step: iteration,
        iteration,
        parameter: { name: "", shape: [] },
        samples: { gradientSquares: 0, curvature: 0 },
        fresh: { gradientSquares: false, curvature: false },
        batchSize: 1,
        microBatches: 1,
      }, undefined);
      if (scalars?.base !== undefined) return scalars.base;
    }
    return 1;
  }

  set learningRate(rate: number) {
    const has = groupsOf(this.definition).every(({ chain }) =>
      chain.stages.some(({ name }) => name === "learningRate")
    );
    if (!has) {
      throw new TypeError("Cannot set the learning rate: the chain has no learningRate()");
    }
    if (!(rate >= 0 && rate < Infinity)) {
      throw new RangeError(
        `Cannot set the learning rate: it must be finite and not negative, current value is ${rate}`,
      );
    }
    this.#rate = rate;
  }

  /**
   * One update: the gradients of `f`, a curvature sample if one is due, and the step.
   *
   * @param f The mean loss over the batch; a `classification()`, `binary()` or `squaredError()`
   * closure where the chain needs samples with resampled labels.
   */
  override minimize(
    f: () => tf.Scalar,
    returnCost = false,
    varList?: tf.Variable[],
  ): tf.Scalar | null {
    const { value, grads } = this.computeGradients(f, varList);
    return this.#finish(value, grads, {}, [f], returnCost, varList);
  }

  /**
   * One update from k closures over micro-batches of equal size: their mean gradient, and the mean
   * of their squared gradients as `gradientSquares`. A curvature sample that is due is taken on the
   * first of them.
   *
   * @throws {RangeError} For fewer than two closures.
   */
  minimizeMicroBatches(
    closures: readonly (() => tf.Scalar)[],
    returnCost = false,
    varList?: tf.Variable[],
  ): tf.Scalar | null {
    if (closures.length < 2) {
      throw new RangeError(
        `Cannot compare micro-batches: at least 2 are needed, current number is ${closures.length}`,
      );
    }
    const { value, gradients, gradientSquares } = microBatchEvidence(closures, varList);
    try {
      const evidence = { gradientSquares, microBatches: closures.length };
      return this.#finish(value, gradients, evidence, closures, returnCost, varList);
    } finally {
      tf.dispose(gradientSquares);
    }
  }

  #finish(
    value: tf.Scalar,
    grads: tf.NamedTensorMap,
    evidence: TensorEvidence,
    closures: readonly (() => tf.Scalar)[],
    returnCost: boolean,
    varList: tf.Variable[] | undefined,
  ): tf.Scalar | null {
    let curvature: tf.NamedTensorMap | undefined;
    let done = false;
    try {
      const names = Object.keys(grads).filter((name) => grads[name] != null);
      const source = this.definition.curvature;
      const variables = names.map((name) => this.#variable(name));
      this.#claim(variables);
      const { batchSize, sample } = curvatureSample({
        source,
        due: this.#driver.curvatureDue(names.map((name) => this.#names.get(name) ?? name)),
        closure: closures[0]!,
        variables,
        seed: (this.#options.seed ?? 0) * 1_000_003 + this.#driver.iteration * 1009 + 1,
        differenceStep: this.#options.differenceStep ?? 1e-3,
      });
      curvature = sample;
      this.applyGradients(
        varList ? varList.map(({ name }) => ({ name, tensor: grads[name]! })) : grads,
        {
          ...evidence,
          ...(curvature ? { curvature } : {}),
          ...(batchSize ? { batchSize: batchSize * closures.length } : {}),
        },
      );
      done = true;
    } finally {
      tf.dispose(grads);
      if (curvature) tf.dispose(curvature);
      if (!done || !returnCost) value.dispose();
    }
    return returnCost ? value : null;
  }

  #variable(name: string): tf.Variable {
    const variable = tf.engine().registeredVariables[name];
    if (!variable) {
      throw new TypeError(`Cannot apply the gradient of "${name}": there is no such variable`);
    }
    return variable;
  }

  /**
   * One update from ready gradients (means over the batch): an array of `{name, tensor}`, where
   * `tensor` may be undefined, or a map from variable name to tensor. The caller keeps the tensors.
   *
   * @throws {TypeError} For an unknown variable, a wrong shape or dtype, or missing evidence; then
   * nothing has changed.
   */
  override applyGradients(gradients: Gradients, evidence: TensorEvidence = {}): void {
    const given: [string, tf.Tensor | undefined][] = Array.isArray(gradients)
      ? gradients.map(({ name, tensor }) => [name, tensor])
      : Object.entries(gradients);
    const present = given.filter((g): g is [string, tf.Tensor] => g[1] != null);
    const variables = present.map(([name]) => this.#variable(name));
    this.#claim(variables);
    const contributions = present.map(([name, gradient], i): Contribution<tf.Tensor> => {
      const variable = variables[i]!;
      const check = (kind: string, t: tf.Tensor | undefined) => {
        if (t && (t.shape.join() !== variable.shape.join() || t.dtype !== "float32")) {
          throw new TypeError(
            `Cannot step "${name}": its ${kind} has shape [${t.shape}] and dtype ${t.dtype}, expected [${variable.shape}] and float32`,
          );
        }
        return t;
      };
      check("variable", variable);
      return {
        name: this.#names.get(name) ?? name,
        shape: variable.shape,
        weights: variable,
        gradient: check("gradient", gradient)!,
        curvature: check("curvature sample", evidence.curvature?.[name]),
        gradientSquares: check("gradientSquares", evidence.gradientSquares?.[name]),
      };
    });
    const { weights } = this.#driver.step(contributions, {
      batchSize: evidence.batchSize ?? this.#options.batchSize,
      microBatches: evidence.microBatches,
      learningRate: this.#rate,
    });
    weights.forEach((updated, i) => {
      variables[i]!.assign(updated);
      updated.dispose();
    });
    this.incrementIterations();
  }

  /** After a restore: finds out which state belongs to which variable. */
  #claim(variables: readonly tf.Variable[]): void {
    if (!this.#restored) return;
    const saved = [...this.#driver.state().parameters].map(([name, { shape }]) => ({
      name,
      shape,
    }));
    this.#names = matchStates(variables, saved);
    this.#restored = false;
  }

  /** A copy of the named slot (`stage.slot`, such as `signalFraction.m`) of a variable. */
  async slot(variable: string, slot: string): Promise<Float32Array> {
    return await this.#backend.read(
      this.#driver.slot(this.#names.get(variable) ?? variable, slot),
    );
  }

  /** The state as named tensors, for `model.save`; the caller disposes them. */
  override async getWeights(): Promise<NamedTensors> {
    const { json, tensors } = exportState(this.#driver);
    const values = await Promise.all(tensors.map(({ array }) => this.#backend.read(array)));
    const text = [...new TextEncoder().encode(json)];
    return [
      await this.saveIterations(),
      { name: stateName, tensor: tf.tensor1d(text, "int32") },
      ...tensors.map(({ name, shape }, i) => ({
        name,
        tensor: tf.tensor(values[i]!, [...shape], "float32"),
      })),
    ];
  }

  /**
   * Restores what {@linkcode getWeights} gave; on any error nothing changes.
   *
   * @throws {TypeError} If the state belongs to another chain or is damaged.
   */
  override async setWeights(weightValues: NamedTensors): Promise<void> {
    const byName = new Map(weightValues.map(({ name, tensor }) => [name, tensor]));
    const text = byName.get(stateName);
    if (!text) {
      throw new TypeError(
        `Cannot restore the optimizer: no "${stateName}" among ${[...byName.keys()].join(", ")}`,
      );
    }
    const json = new TextDecoder().decode(Uint8Array.from(await text.data()));
    importState(
      json,
      new Map([...byName].map(([name, { shape }]) => [name, shape])),
      // A copy: slots are updated in place, and the given tensors belong to the caller.
      (name) => tf.keep(tf.tidy(() => tf.add(byName.get(name)!, 0))),
      this.#driver,
    );
    await this.extractIterations(weightValues);
    this.#names = new Map();
    this.#restored = true;
  }

  /** The state as a safetensors file. */
  save(): Promise<Uint8Array<ArrayBuffer>> {
    return saveState(this.#driver, this.#backend);
  }

  /**
   * Restores a file of {@linkcode save}; on any error nothing changes.
   *
   * @throws {TypeError} If the file is damaged or belongs to another chain.
   */
  load(bytes: Uint8Array): void {
    loadState(bytes, this.#driver, this.#backend);
    this.iterations_ = this.#driver.iteration;
    this.#names = new Map();
    this.#restored = true;
  }

  /** Disposes the state. */
  override dispose(): void {
    this.#driver.dispose();
    this.#names = new Map();
  }

  /**
   * The chain as JSON, for `model.save`.
   *
   * @throws {TypeError} If the chain holds functions of the caller's own.
   */
  getConfig(): tf.serialization.ConfigDict {
    const { seed = 0, differenceStep = 1e-3, batchSize = 0 } = this.#options;
    // model.save turns every string, values too, into snake_case: numbers stay as they are.
    const definition = [...new TextEncoder().encode(stringifyDefinition(this.definition))];
    return { definition, seed, differenceStep, batchSize, learningRate: this.#rate ?? -1 };
  }

  /** Makes the optimizer that {@linkcode getConfig} described. */
  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    const text = new TextDecoder().decode(Uint8Array.from(config.definition as number[]));
    const { seed, differenceStep, batchSize, learningRate } = config as Record<string, number>;
    const optimizer = new (cls as unknown as typeof PrecondOptimizer)(parseDefinition(text), {
      seed: seed!,
      differenceStep: differenceStep!,
      ...(batchSize! > 0 ? { batchSize: batchSize! } : {}),
    });
    if (learningRate! >= 0) optimizer.learningRate = learningRate!;
    return optimizer as unknown as T;
  }
}

tf.serialization.registerClass(PrecondOptimizer);

/**
 * A real `tf.Optimizer` from a chain: for `model.compile`, `minimize` and `applyGradients`.
 *
 * On the cpu and wasm backends the whole update of a variable is one fused kernel; on every other
 * backend the same definition runs as plain tf ops.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import "@tensorflow/tfjs-layers"; // registers the gradients
 * import { adam, precond } from "@precond/tfjs";
 * import assert from "node:assert/strict";
 *
 * const x = tf.variable(tf.scalar(0));
 * const optimizer = precond(adam({ learningRate: 0.1 }));
 * for (let i = 0; i < 200; i++) optimizer.minimize(() => tf.square(tf.sub(x, 3)));
 * assert.ok(Math.abs(x.dataSync()[0]! - 3) < 0.05);
 * ```
 */
export function precond(definition: Definition, options: PrecondOptions = {}): PrecondOptimizer {
  return new PrecondOptimizer(definition, options);
}
