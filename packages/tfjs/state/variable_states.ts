/**
 * The state of a chain over tf variables: kept by name, saved and restored.
 *
 * @module
 */
import { type Definition, loadState, saveState } from "@precond/core";
import { createDriver, type Driver, exportState, importState } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import { tensorBackend } from "../backends/tensors.ts";
import { matchStates } from "./state_names.ts";

/** What `tf.Optimizer.getWeights` gives. */
export type NamedTensors = Awaited<ReturnType<tf.Optimizer["getWeights"]>>;

/** A driver and the names of its variables. */
export interface VariableStates {
  readonly driver: Driver<tf.Tensor>;
  /** The name under which a variable's state is kept. */
  nameOf(variable: string): string;
  /** After a restore: finds out which state belongs to which variable. */
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
  let names = new Map<string, string>();
  /** True from a restore until the next step, when saved states find their variables. */
  let restored = false;
  const nameOf = (variable: string) => names.get(variable) ?? variable;
  const forget = (isRestored: boolean) => {
    names = new Map();
    restored = isRestored;
  };
  return {
    driver,
    nameOf,
    claim(variables) {
      if (!restored) return;
      const mine = new Set(names.values());
      const unclaimed = [...driver.state().parameters].flatMap(([name, { shape }]) =>
        mine.has(name) ? [] : [{ name, shape }]
      );
      // Some variables may take part in later steps only: what is left waits for them.
      const fresh = variables.filter(({ name }) => !names.has(name));
      if (fresh.length > 0) {
        for (const [name, state] of matchStates(fresh, unclaimed)) names.set(name, state);
        for (const { name } of fresh) if (!names.has(name)) names.set(name, name);
      }
      restored = unclaimed.some(({ name }) => ![...names.values()].includes(name));
    },
    slot: async (variable, slot) => await backend.read(driver.slot(nameOf(variable), slot)),
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
        (name) => tf.keep(tf.tidy(() => tf.add(byName.get(name)!, 0))),
        driver,
      );
      forget(true);
    },
    save: () => saveState(driver, backend),
    load(bytes) {
      loadState(bytes, driver, backend);
      forget(true);
    },
    dispose() {
      driver.dispose();
      forget(false);
    },
  };
}
