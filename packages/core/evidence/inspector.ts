/**
 * What a chain's signal fraction knows of a parameter.
 *
 * @module
 */
import type { Chain } from "../chain/chain.ts";
import { inspected, inspectionProgram } from "../chain/inspection.ts";
import { chainFor } from "../chain/per_parameter.ts";
import type { Inspection } from "../chain/types.ts";
import { type Backend, type Kernel, layout } from "../driver/backend.ts";
import type { Driver } from "../driver/driver.ts";
import type { ParameterState } from "../driver/driver_state.ts";
import { type Plan, planOf } from "../driver/plan.ts";

/** Looks into the state of a driver. */
export interface Inspector<A> {
  /**
   * New arrays, shaped like the parameter, that the caller disposes; undefined if its chain estimates no
   * noise or it never took a step.
   */
  inspect(parameter: string): Readonly<Record<keyof Inspection, A>> | undefined;
  /** Frees the kernels. */
  dispose(): void;
}

/** Makes an inspector. */
export function createInspector<A>(driver: Driver<A>, backend: Backend<A>): Inspector<A> {
  const kernels = new Map<Chain, { kernel: Kernel<A>; plan: Plan } | undefined>();
  return {
    inspect(parameter) {
      const state = driver.state().parameters.get(parameter);
      if (!state?.scalars) return undefined;
      const chain = chainFor(driver.definition, { name: parameter, shape: state.shape });
      if (!kernels.has(chain)) {
        const program = inspectionProgram(chain);
        kernels.set(
          chain,
          program && { kernel: backend.compile(program), plan: planOf(chain, program) },
        );
      }
      const found = kernels.get(chain);
      return found && inspectState(backend, found.kernel, found.plan, state);
    },
    dispose() {
      for (const found of kernels.values()) found?.kernel.dispose?.();
      kernels.clear();
    },
  };
}

/** Runs a chain's inspection program on a parameter that has taken a step. */
function inspectState<A>(
  backend: Backend<A>,
  kernel: Kernel<A>,
  plan: Plan,
  state: ParameterState<A>,
): Readonly<Record<keyof Inspection, A>> {
  const fresh: A[] = [];
  let results: ReturnType<typeof kernel.run>;
  try {
    for (let k = 0; k < inspected.length; k++) fresh.push(backend.allocate(state.shape, 0));
    results = kernel.run([{
      ...layout(state.shape),
      inputs: plan.inputs.map((name) => state.slots[name]!),
      outputs: fresh,
      scalars: Float64Array.from(
        plan.scalars,
        // A stage without this scalar cannot have stepped.
        ([stage, key]) => state.scalars![stage]![key]!,
      ),
    }]);
  } catch (error) {
    fresh.forEach((array) => backend.dispose(array));
    throw error;
  }
  const [result] = results;
  fresh.forEach((array, i) => {
    if (array !== result!.outputs[i]) backend.dispose(array);
  });
  const [fraction, signal, noise] = result!.outputs as [A, A, A];
  return { fraction, signal, noise };
}
