/** @module */
import { inspected } from "../chain/inspection.ts";
import type { Inspection } from "../chain/types.ts";
import { type Backend, type Kernel, layout } from "./backend.ts";
import type { ParameterState } from "./driver_state.ts";
import type { Plan } from "./plan.ts";

/** Runs a chain's inspection program on a parameter that has taken a step. */
export function inspectState<A>(
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
