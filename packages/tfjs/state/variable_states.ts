/**
 * The state of a chain over tf variables: kept by name, saved and restored.
 *
 * @module
 */
import type { Definition } from "@precond/core";
import {
  type Backend,
  createDriver,
  type Driver,
  exportState,
  importState,
  loadState,
  saveState,
} from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import { tensorBackend } from "../backends/tensors.ts";
import type { Named } from "./named.ts";
import { matchStates } from "./state_names.ts";

/** What `tf.Optimizer.getWeights` gives. */
export type NamedTensors = Awaited<ReturnType<tf.Optimizer["getWeights"]>>;

/** A driver and the names of its variables. */
export interface VariableStates {
  readonly driver: Driver<tf.Tensor>;
  readonly backend: Backend<tf.Tensor>;
  /**
   * After a restore: finds out which state belongs to which variable of a step.
   *
   * @throws {TypeError} If the states belong to none of them, or it cannot be told to which.
   */
  claim(variables: readonly tf.Variable[]): void;
  slot(variable: string, slot: string): Promise<Float32Array>;
  /** The state as new tensors. */
  toTensors(): Promise<NamedTensors>;
  /** Restores what {@linkcode VariableStates.toTensors} gave, among other tensors. */
  fromTensors(given: NamedTensors): Promise<void>;
  save(): Promise<Uint8Array<ArrayBuffer>>;
  load(bytes: Uint8Array): void;
  dispose(): void;
}

const stateName = "precond/state";

/** Makes the states of a definition; they appear when a variable takes its first step. */
export function createStates(definition: Definition): VariableStates {
  const backend = tensorBackend();
  const driver = createDriver(definition, backend);
  /** Restored states that no variable has claimed yet. */
  let unclaimed = new Map<string, Named>();
  /** Variables that have found their states since the restore, or begun afresh. */
  let settled = new Set<string>();

  const forget = () => {
    unclaimed = new Map();
    settled = new Set();
  };
  const restored = () => {
    settled = new Set();
    unclaimed = new Map(
      [...driver.state().parameters].map(([name, { shape }]) => [name, { name, shape }]),
    );
  };

  /** Gives states the names of their variables. */
  const rename = (names: ReadonlyMap<string, string>) => {
    if ([...names].every(([state, variable]) => state === variable)) return;
    const { parameters, ...state } = driver.state();
    const renamed = [...parameters].map(([name, p]) => [names.get(name) ?? name, p] as const);
    const byName = new Map(renamed);
    if (byName.size < renamed.length) {
      const twice = renamed.find(([name], i) => renamed.findIndex(([n]) => n === name) < i)![0];
      throw new TypeError(`Cannot restore the optimizer: two states would belong to "${twice}"`);
    }
    driver.replaceState({ ...state, parameters: byName });
  };

  return {
    driver,
    backend,
    claim(variables) {
      if (unclaimed.size === 0) return;
      const fresh = variables.filter(({ name }) => !settled.has(name));
      if (fresh.length === 0) return;
      const others = Object.values(tf.engine().registeredVariables)
        .filter(({ name }) => !settled.has(name));
      const found = matchStates(fresh, [...unclaimed.values()], others);
      rename(new Map([...found].map(([variable, state]) => [state, variable])));
      for (const [variable, state] of found) {
        unclaimed.delete(state);
        settled.add(variable);
      }
      for (const { name } of fresh) settled.add(name);
    },
    slot: async (variable, slot) => await backend.read(driver.slot(variable, slot)),
    async toTensors() {
      const { json, tensors } = exportState(driver);
      const values = await Promise.all(tensors.map(({ array }) => backend.read(array)));
      const text = [...new TextEncoder().encode(json)];
      return [
        { name: stateName, tensor: tf.tensor1d(text, "int32") },
        ...tensors.map(({ name, shape }, i) => ({
          name,
          tensor: tf.tensor(values[i]!, [...shape], "float32"),
        })),
      ];
    },
    async fromTensors(given) {
      const byName = new Map(given.map(({ name, tensor }) => [name, tensor]));
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
        (name) => {
          const from = byName.get(name)!;
          return backend.copy([{ from, shape: from.shape }])[0]!;
        },
        driver,
      );
      restored();
    },
    save: () => saveState(driver, backend),
    load(bytes) {
      loadState(bytes, driver, backend);
      restored();
    },
    dispose() {
      driver.dispose();
      forget();
    },
  };
}
