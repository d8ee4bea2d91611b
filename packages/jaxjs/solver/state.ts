/**
 * States of a solver: handles that one step takes and another one comes back from.
 *
 * @module
 */
import type { Array, Device } from "@jax-js/jax";
import type { Definition } from "@precond/core";
import {
  createDriver,
  type Driver,
  exportState,
  importState,
  loadState,
  saveState,
} from "@precond/core/backend";
import { backendOf, type DeviceBackend } from "../backends/arrays.ts";
import type { Expected } from "./named_leaves.ts";

/**
 * What a solver keeps for the parameters: given away to `update()`, which returns the next one.
 * Its methods give nothing away.
 */
export interface SolverState {
  /** Updates done. */
  readonly iteration: number;
  /**
   * The learning rate that the next update takes; undefined if the definition has none. Setting it
   * overrides the schedule until undefined is set: with groups it is the first one's, and the others
   * keep their ratios to it. It is saved.
   *
   * @throws {TypeError} If it is set and the definition, or one of its groups, has no learningRate().
   * @throws {RangeError} If it is negative or not finite.
   */
  learningRate: number | undefined;
  /** Whether the next update should bring a curvature sample. */
  readonly curvatureDue: boolean;
  /** The values of the named slot (`stage.slot`) of a parameter. */
  slot(parameter: string, slot: string): Promise<Float32Array>;
  /** The state as a safetensors file, which every host of precond reads. */
  save(): Promise<Uint8Array<ArrayBuffer>>;
  /** A second state with the same values. */
  copy(): SolverState;
  /** Frees its arrays. */
  dispose(): void;
}

/** What is behind a state. */
export interface Holding {
  readonly solver: object;
  readonly driver: Driver<Array>;
  readonly backend: DeviceBackend;
  readonly parameters: readonly Expected[];
}

const holdings = new WeakMap<SolverState, Holding>();
const spent = new WeakMap<SolverState, "given to update()" | "disposed">();

/**
 * What is behind a state of this solver.
 *
 * @throws {TypeError} If it is none, another solver's, or was given away.
 */
export function holdingOf(action: string, state: SolverState, solver?: object): Holding {
  const why = typeof state === "object" && state !== null ? spent.get(state) : undefined;
  if (why) {
    throw new TypeError(
      `Cannot ${action}: this state was ${why}; use the one that update() returned, or a copy() made before`,
    );
  }
  const holding = holdings.get(state);
  if (!holding) {
    throw new TypeError(
      `Cannot ${action}: state must be what init(), load() or update() returned`,
    );
  }
  if (solver !== undefined && holding.solver !== solver) {
    throw new TypeError(`Cannot ${action}: this state belongs to another solver`);
  }
  return holding;
}

function handleOf(holding: Holding): SolverState {
  const of = (action: string) => holdingOf(action, handle);
  const names = holding.parameters.map(({ name }) => name);
  const handle: SolverState = {
    get iteration() {
      return of("read the state").driver.iteration;
    },
    get learningRate() {
      return of("read the state").driver.learningRate;
    },
    set learningRate(rate) {
      of("set the learning rate").driver.learningRate = rate;
    },
    get curvatureDue() {
      return of("read the state").driver.curvatureDue(names);
    },
    async slot(parameter, slot) {
      const { driver, backend } = of("read the state");
      return await backend.read(driver.slot(parameter, slot));
    },
    save: () => {
      const { driver, backend } = of("save");
      return saveState(driver, backend);
    },
    copy() {
      const { driver, backend } = of("copy the state");
      const next = createDriver(driver.definition, backend);
      const { json, tensors } = exportState(driver);
      const arrays = new Map(tensors.map(({ name, array }) => [name, array]));
      const shapes = new Map(tensors.map(({ name, shape }) => [name, shape]));
      const take = (name: string, shape: readonly number[]) =>
        backend.copy([{ from: arrays.get(name)!, shape }])[0]!;
      importState(json, shapes, take, next);
      return handleOf({ ...holding, driver: next });
    },
    dispose() {
      of("dispose the state").driver.dispose();
      spend(handle, "disposed");
    },
  };
  holdings.set(handle, holding);
  return handle;
}

function spend(state: SolverState, why: "given to update()" | "disposed"): void {
  spent.set(state, why);
  holdings.delete(state);
}

/** A state of no updates. */
export function freshState(
  solver: object,
  definition: Definition,
  parameters: readonly Expected[],
  device: Device,
): SolverState {
  const backend = backendOf(device);
  return handleOf({ solver, driver: createDriver(definition, backend), backend, parameters });
}

/** A state as saved. */
export function savedState(state: SolverState, bytes: Uint8Array): SolverState {
  const { driver, backend, parameters } = holdingOf("load", state);
  loadState(bytes, driver, backend, new Map(parameters.map((p) => [p.name, p.shape])));
  return state;
}

/** The state after a step: the given one is of no use any more. */
export function nextState(state: SolverState): SolverState {
  const holding = holdingOf("update", state);
  spend(state, "given to update()");
  return handleOf(holding);
}
