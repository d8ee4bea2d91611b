/**
 * Which restored state belongs to which variable.
 *
 * @module
 */
import type { Driver } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import type { Named } from "./named.ts";
import { matchStates } from "./state_names.ts";

/** States between their restore and the steps that show whose they are. */
export interface Claims {
  /** The driver's state was restored: all of it is to be claimed. */
  restored(): void;
  /**
   * Finds out which state belongs to which variable of a step.
   *
   * @throws {TypeError} If the states belong to none of them, or it cannot be told to which.
   */
  claim(variables: readonly tf.Variable[]): void;
}

/** Makes the claims on a driver's state. */
export function createClaims(driver: Driver<tf.Tensor>): Claims {
  /** Restored states that no variable has claimed yet. */
  let unclaimed = new Map<string, Named>();
  /** Variables that have found their states since the restore, or begun afresh. */
  let settled = new Set<string>();

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
    restored() {
      settled = new Set();
      unclaimed = new Map(
        [...driver.state().parameters].map(([name, { shape }]) => [name, { name, shape }]),
      );
    },
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
  };
}
