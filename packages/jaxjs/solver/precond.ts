/** @module */
import { type Array, type Device, type JsTree, tree } from "@jax-js/jax";
import type { Definition } from "@precond/core";
import {
  checkNone,
  checkOptions,
  checkValue,
  type Contribution,
  kinds,
  type StepResult,
} from "@precond/core/backend";
import type { DeviceBackend } from "../backends/arrays.ts";
import { leavesLike, namedLeaves, treeLike } from "./named_leaves.ts";
import { freshState, holdingOf, nextState, savedState, type SolverState } from "./state.ts";

/** A tree of float32 arrays: an array, or lists and plain objects of trees. */
export type ArrayTree = JsTree<Array>;

/** What an update brings besides gradients. Its trees are like that of the parameters. */
export interface TreeEvidence<Params extends ArrayTree = ArrayTree> {
  /** Mean over `microBatches` micro-batches of the squared micro-batch mean gradient. */
  readonly gradientSquares?: Params | undefined;
  /** k of `gradientSquares`. */
  readonly microBatches?: number | undefined;
  /** One sample of diagonal curvature. */
  readonly curvature?: Params | undefined;
  /** Examples in the batch; matters where batches of different size are averaged. */
  readonly batchSize?: number | undefined;
}

/** A gradient transformation in the shape of optax. */
export interface Solver {
  readonly definition: Definition;
  /** The state before the first update. Consumes `params`. */
  init(params: ArrayTree): SolverState;
  /**
   * What is to be added to the parameters, and the state after it. Consumes gradients, state,
   * parameters and evidence; if it throws, nothing: then all are as they were.
   *
   * @param params Needed by chains that read the weights, as those with weight decay.
   * @throws {TypeError} For a state that was given away, trees that differ from that of `init()`,
   * arrays that are not float32 or on another device, missing evidence, and inside `jit`.
   */
  update<Params extends ArrayTree>(
    gradients: Params,
    state: SolverState,
    params?: Params,
    evidence?: TreeEvidence<Params>,
  ): [updates: Params, state: SolverState];
  /**
   * A state that `save()` wrote, here or on another host. Consumes `params`.
   *
   * @throws {TypeError} If the file is damaged, or belongs to another chain or other shapes.
   */
  load(bytes: Uint8Array, params: ArrayTree): SolverState;
}

const evidenceKinds = {
  gradientSquares: kinds.anything,
  microBatches: kinds.count,
  curvature: kinds.anything,
  batchSize: kinds.positive,
} as const;

/** The device that all arrays are on. */
function deviceOf(action: string, leaves: readonly { name: string; array: Array }[]): Device {
  const [first] = leaves;
  if (!first) throw new TypeError(`Cannot ${action}: params have no arrays`);
  const other = leaves.find(({ array }) => array.device !== first.array.device);
  if (other) {
    throw new TypeError(
      `Cannot ${action}: params "${first.name}" is on ${first.array.device} and "${other.name}" on ${other.array.device}; move them to one device with devicePut()`,
    );
  }
  return first.array.device;
}

/** Outputs for the updates and all that can fail before anything changes. */
function ready(
  backend: DeviceBackend,
  shapes: readonly (readonly number[])[],
  given: readonly (readonly Array[] | undefined)[],
): Array[] {
  const blanks: Array[] = [];
  try {
    for (const shape of shapes) blanks.push(backend.blank(shape));
    backend.prepare([...given.flatMap((arrays) => arrays ?? []), ...blanks]);
    return blanks;
  } catch (error) {
    blanks.forEach((array) => array.dispose());
    throw error;
  }
}

/**
 * A gradient transformation from a chain: `init(params)` and `update(gradients, state, params?)`, as in
 * optax, over trees of arrays.
 *
 * On wasm and WebGPU the whole update is one fused kernel on jax-js's own memory; on other devices the
 * same definition runs as operations under `jit`. Arrays that are passed in are given away, as everywhere
 * in jax-js: pass `tree.ref(params)` where you need them again.
 *
 * @throws {TypeError} For what is no definition, and for a second argument, as other adapters have.
 *
 * @example
 * ```ts
 * import { init, numpy as np, valueAndGrad } from "@jax-js/jax";
 * import { adam, applyUpdates, precond } from "@precond/jax-js";
 * import assert from "node:assert/strict";
 *
 * await init("wasm");
 * const solver = precond(adam({ learningRate: 0.1 }));
 * let params = np.array([0, 10]);
 * let state = solver.init(params.ref);
 * for (let i = 0; i < 300; i++) {
 *   const [value, gradients] = valueAndGrad((w: np.Array) => np.square(w.sub(3)).sum())(params.ref);
 *   value.dispose();
 *   const [updates, next] = solver.update(gradients, state);
 *   params = applyUpdates(params, updates);
 *   state = next;
 * }
 * const [a, b] = params.js();
 * assert.ok(Math.abs(a - 3) < 0.1 && Math.abs(b - 3) < 0.1);
 * state.dispose();
 * ```
 */
export function precond(definition: Definition, ...surplus: undefined[]): Solver {
  checkValue("make the solver", definition, kinds.definition, "definition");
  checkNone(
    "make the solver",
    surplus,
    "precond() of jax-js takes an optimizer alone; average the gradients of micro-batches before " +
      "update(), which takes batchSize and squares as evidence",
  );
  const begin = (action: string, params: unknown) => {
    const leaves = namedLeaves(action, "params", params);
    const parameters = leaves.map(({ name, array }) => ({ name, shape: [...array.shape] }));
    return freshState(solver, definition, parameters, deviceOf(action, leaves));
  };
  const solver: Solver = {
    definition,
    init(params) {
      const state = begin("init", params);
      tree.dispose(params);
      return state;
    },
    load(bytes, params) {
      checkValue("load", bytes, kinds.bytes, "bytes");
      const state = savedState(begin("load", params), bytes);
      tree.dispose(params);
      return state;
    },
    update(gradients, state, params, evidence) {
      const { driver, backend, parameters } = holdingOf("update", state, solver);
      const given = checkOptions("update", evidence, evidenceKinds);
      const read = (what: string, arrays: unknown) =>
        arrays === undefined || arrays === null
          ? undefined
          : leavesLike("update", what, arrays, parameters, backend.device);
      const list = leavesLike("update", "gradients", gradients, parameters, backend.device);
      const weights = read("params", params);
      const squares = read("gradientSquares", given.gradientSquares);
      const curvature = read("curvature", given.curvature);
      const shapes = parameters.map(({ shape }) => shape);
      const blanks = ready(backend, shapes, [list, weights, squares, curvature]);
      let result: StepResult<Array>;
      try {
        result = driver.step(
          parameters.map(({ name, shape }, i): Contribution<Array> => ({
            name,
            shape,
            gradient: list[i]!,
            weights: weights?.[i],
            update: blanks[i]!,
            gradientSquares: squares?.[i],
            curvature: curvature?.[i],
          })),
          { microBatches: given.microBatches, batchSize: given.batchSize },
        );
      } catch (error) {
        blanks.forEach((array) => array.dispose());
        throw error;
      }
      blanks.forEach((array, i) => array === result.weights[i] || array.dispose());
      const updates = treeLike(gradients, parameters.map(({ name }) => name), result.weights);
      for (const consumed of [gradients, params, given.gradientSquares, given.curvature]) {
        tree.dispose(consumed);
      }
      return [updates, nextState(state)];
    },
  };
  return solver;
}
