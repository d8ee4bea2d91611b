/**
 * The state of a chain over tf variables: kept by name, saved and restored.
 *
 * @module
 */
import type { Definition } from "@precond/core";
import { type Backend, createDriver, type Driver } from "@precond/core/backend";
import type * as tf from "@tensorflow/tfjs-core";
import { tensorBackend } from "../backends/tensors.ts";
import { partFor } from "../parts/registry.ts";
import type { Claims } from "./claims.ts";
import type { NamedTensors } from "./named_tensors.ts";

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

/** Makes the states of a definition; they appear when a variable takes its first step. */
export function createStates(definition: Definition): VariableStates {
  const backend = tensorBackend();
  const driver = createDriver(definition, backend);
  /** There when a state has been restored. */
  let claims: Claims | undefined;
  const restored = () => {
    claims ??= partFor("saving", "restore the optimizer").createClaims(driver);
    claims.restored();
  };

  return {
    driver,
    backend,
    claim: (variables) => claims?.claim(variables),
    slot: async (variable, slot) => await backend.read(driver.slot(variable, slot)),
    toTensors: async () => await partFor("saving", "save").toTensors(driver, backend),
    async fromTensors(given) {
      await partFor("saving", "restore the optimizer").fromTensors(given, driver, backend);
      restored();
    },
    save: async () => await partFor("saving", "save").saveState(driver, backend),
    load(bytes) {
      partFor("saving", "restore the optimizer").loadState(bytes, driver, backend);
      restored();
    },
    dispose() {
      driver.dispose();
      claims = undefined;
    },
  };
}
