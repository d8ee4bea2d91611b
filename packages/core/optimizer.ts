/** @module */
import { type Definition } from "./chain/per_parameter.ts";
import { checkOptions, checkValue, isPlain, type Kind, type Kinds } from "./checks.ts";
import { arrayBackend } from "./driver/array_backend.ts";
import type { Backend } from "./driver/backend.ts";
import type { Contribution, StepOptions } from "./driver/contribution.ts";
import { createDriver } from "./driver/driver.ts";
import { wasmBackend } from "./driver/wasm_backend.ts";
import * as kinds from "./kinds.ts";
import { arrayNames, checkApart } from "./shared_memory.ts";
import { loadState, saveState } from "./state/optimizer_state.ts";

/** One parameter's share of a step, on plain arrays. */
export interface ArrayContribution {
  /** Updated in place. */
  readonly weights: Float32Array;
  /** Mean gradient over the batch. */
  readonly gradient: Float32Array;
  /** Default: one axis. Matters for rows and pooling. */
  readonly shape?: readonly number[];
  /** Mean over `microBatches` micro-batches of the squared micro-batch mean gradient. */
  readonly gradientSquares?: Float32Array | undefined;
  /** One curvature sample. */
  readonly curvature?: Float32Array | undefined;
}

/** Options of {@linkcode createOptimizer}. */
export interface OptimizerOptions {
  /**
   * "javascript" (default; falls back to the interpreter where code generation is forbidden),
   * "interpreter", or "wasm" (SIMD; copies weights and gradients in and out).
   */
  readonly lowering?: "javascript" | "interpreter" | "wasm";
}

/** A definition with its state, on plain arrays. */
export interface Optimizer {
  /** What it was made of. */
  readonly definition: Definition;
  /** Updates done. */
  readonly iteration: number;
  /**
   * The learning rate that the next update takes; undefined if the definition has none. Setting it
   * overrides the schedule until undefined is set: with groups it is the first one's, and the others
   * keep their ratios to it. It is saved with the state.
   *
   * @throws {TypeError} If it is set and the definition, or one of its groups, has no learningRate().
   * @throws {RangeError} If it is negative or not finite.
   */
  learningRate: number | undefined;
  /** Whether the next step of these parameters should bring a curvature sample. */
  curvatureDue(names: readonly string[]): boolean;
  /** One update of the weights, in place. Nothing changes if it throws. */
  step(
    contributions: Readonly<Record<string, ArrayContribution>>,
    options?: Omit<StepOptions, "countClipped">,
  ): void;
  /** A copy of the named slot (`stage.slot`) of a parameter. */
  slot(parameter: string, slot: string): Float32Array;
  /** The state as a safetensors file. */
  save(): Promise<Uint8Array<ArrayBuffer>>;
  /** Restores a saved state; on any error nothing changes. */
  load(bytes: Uint8Array): void;
  /** Frees the state. */
  dispose(): void;
}

const contributionKinds: Kinds<ArrayContribution> = {
  weights: kinds.float32Array,
  gradient: kinds.float32Array,
  shape: kinds.listOf(kinds.integer(0)),
  gradientSquares: kinds.float32Array,
  curvature: kinds.float32Array,
};

const contributed: Kind = {
  must: "be an object with the arrays of each parameter by name",
  type: isPlain,
};
const names: Kind = kinds.listOf({ must: "be a name", type: (value) => typeof value === "string" });
const stepKinds: Kinds<Omit<StepOptions, "countClipped">> = {
  batchSize: kinds.positive,
  microBatches: kinds.count,
  learningRate: kinds.nonNegative,
};

function checked(name: string, given: ArrayContribution): ArrayContribution {
  const action = `step ${JSON.stringify(name)}`;
  const c = checkOptions(action, given, contributionKinds, ["weights", "gradient"]);
  const size = c.shape?.reduce((a, b) => a * b, 1) ?? c.weights.length;
  for (const kind of arrayNames) {
    const array = c[kind];
    if (array !== undefined && array.length !== size) {
      throw new TypeError(
        `Cannot ${action}: ${kind} should have ${size} elements, current length is ${array.length}`,
      );
    }
  }
  return c;
}

/** Works on arrays of any backend by copying in and out; on Float32Arrays without copies. */
function adapter<A>(definition: Definition, backend: Backend<A>, copies: boolean): Optimizer {
  const driver = createDriver(definition, backend);
  const shapes = new Map<string, readonly number[]>();
  const enter = (values: Float32Array, shape: readonly number[]): A =>
    copies ? backend.write(values, shape) : values as A;
  return {
    definition,
    get iteration() {
      return driver.iteration;
    },
    get learningRate() {
      return driver.learningRate;
    },
    set learningRate(rate) {
      driver.learningRate = rate;
    },
    curvatureDue(given) {
      checkValue("tell whether curvature is due", given, names, "names");
      return driver.curvatureDue(given);
    },
    step(contributions, options) {
      checkValue("step", contributions, contributed, "contributions");
      const how = checkOptions("step", options, stepKinds);
      const entered: A[] = [];
      const give = (values: Float32Array, shape: readonly number[]) => {
        const array = enter(values, shape);
        if (copies) entered.push(array);
        return array;
      };
      const given = Object.entries(contributions).map(([name, c]) =>
        [name, checked(name, c)] as const
      );
      checkApart(given);
      try {
        const list = given.map(([name, c]): Contribution<A> => {
          const shape = c.shape ?? [c.weights.length];
          return {
            name,
            shape,
            weights: give(c.weights, shape),
            gradient: give(c.gradient, shape),
            gradientSquares: c.gradientSquares && give(c.gradientSquares, shape),
            curvature: c.curvature && give(c.curvature, shape),
          };
        });
        const { weights } = driver.step(list, how);
        list.forEach(({ name, shape }, i) => {
          shapes.set(name, shape);
          if (copies) given[i]![1].weights.set(backend.read(weights[i]!) as Float32Array);
        });
      } finally {
        entered.forEach((array) => backend.dispose(array));
      }
    },
    slot: (parameter, slot) => backend.read(driver.slot(parameter, slot)) as Float32Array,
    save: () => saveState(driver, backend),
    load: (bytes) => loadState(bytes, driver, backend, shapes),
    dispose: () => driver.dispose(),
  };
}

/**
 * An optimizer over plain Float32Arrays, for training code without a framework.
 *
 * `step` takes, for each parameter by name, the weights and the mean gradient over the batch, and
 * updates the weights in place.
 *
 * @throws {TypeError} From `step` for arrays of the wrong type, length or shape, and when evidence
 * that the chain needs is missing; from `load` for a file that does not fit.
 *
 * @example
 * ```ts
 * import { adam, createOptimizer } from "@precond/core";
 * import assert from "node:assert/strict";
 *
 * const optimizer = createOptimizer(adam({ learningRate: 0.1 }));
 * const weights = new Float32Array([0]);
 * for (let i = 0; i < 200; i++) {
 *   optimizer.step({ w: { weights, gradient: weights.map((w) => w - 3) } });
 * }
 * assert.ok(Math.abs(weights[0]! - 3) < 0.01);
 * ```
 */
export function createOptimizer(
  definition: Definition,
  options: OptimizerOptions = {},
): Optimizer {
  const action = "create an optimizer";
  checkValue(action, definition, kinds.definition, "the definition");
  const { lowering = "javascript" } = checkOptions(action, options, {
    lowering: kinds.oneOf("javascript", "interpreter", "wasm"),
  });
  return lowering === "wasm"
    ? adapter(definition, wasmBackend(), true)
    : adapter(definition, arrayBackend(lowering), false);
}
