/**
 * A trainer's parameters by their names.
 *
 * @module
 */
import { checkValue } from "@precond/core/backend";
import * as kinds from "@precond/core/kinds";
import type { Engine } from "../engine/engine_types.ts";
import type { Setup } from "../engine/set_up.ts";

/** Reads and writes; see the interface of the trainer. */
export interface ParameterAccess {
  read(name: string): Promise<Float32Array>;
  write(name: string, values: Float32Array): void;
  readGradient(name: string): Promise<Float32Array>;
  readSlot(name: string, slot: string): Promise<Float32Array>;
}

/** Access to what a setup and its engine hold. */
export function parameterAccess<A>(setup: Setup<A>, engine: Engine<A>): ParameterAccess {
  const { host, parameters, fixed } = setup;
  const trained = (name: string) => {
    const found = parameters.find((p) => p.name === name);
    if (found !== undefined) return found;
    throw new TypeError(
      `Cannot find parameter "${name}": trained are ${parameters.map((p) => p.name).join(", ")}`,
    );
  };
  const arrayOf = (name: string) => {
    const found = fixed.find((f) => f.name === name);
    if (found === undefined) return { array: trained(name).weights, dims: trained(name).dims };
    return { array: found.current, dims: found.dims };
  };
  return {
    read: async (name) => (await host.backend.read(arrayOf(name).array)).slice(),
    write(name, values) {
      const { array, dims } = arrayOf(name);
      checkValue(`set "${name}"`, values, kinds.float32Array, "its values");
      const size = dims.reduce((a, b) => a * b, 1);
      if (values.length !== size) {
        throw new TypeError(
          `Cannot set "${name}": expected ${size} elements, given are ${values.length}`,
        );
      }
      host.write(array, values);
    },
    async readSlot(name, slot) {
      return (await host.backend.read(engine.driver.slot(trained(name).name, slot))).slice();
    },
    async readGradient(name) {
      const parameter = trained(name);
      if (engine.spoiled) {
        throw new TypeError(
          `Cannot read the gradient of "${name}": the last step failed, or computeGradients() ` +
            `came after it, and the gradient of the last update is overwritten; take another step`,
        );
      }
      return (await host.backend.read(engine.gradientOf(parameter))).slice();
    },
  };
}
