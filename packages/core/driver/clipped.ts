/** @module */
import { clippingKinds } from "../chain/clipping.ts";
import type { Clipping } from "../chain/types.ts";
import type { Backend, Kernel, KernelCall } from "./backend.ts";
import type { Plan } from "./plan.ts";

/** Counts of one parameter, of what its chain has: arrays of one number. */
export type ClippedCounts<A> = Readonly<Partial<Record<keyof Clipping, A>>>;

/** Runs a chain's clipping program; the calls need no outputs. */
export function countClipped<A>(
  backend: Backend<A>,
  kernel: Kernel<A>,
  plan: Plan,
  calls: readonly Omit<KernelCall<A>, "outputs">[],
): ClippedCounts<A>[] {
  const fresh: A[][] = [];
  let results: ReturnType<typeof kernel.run>;
  try {
    for (let i = 0; i < calls.length; i++) {
      const list: A[] = [];
      fresh.push(list);
      for (let k = 0; k < plan.outputs.length; k++) list.push(backend.allocate([], 0));
    }
    results = kernel.run(calls.map((call, i) => ({ ...call, outputs: fresh[i]! })));
  } catch (error) {
    fresh.flat().forEach((array) => backend.dispose(array));
    throw error;
  }
  return results.map(({ outputs }, i) => {
    fresh[i]!.forEach((array, k) => {
      if (array !== outputs[k]) backend.dispose(array);
    });
    return Object.fromEntries(clippingKinds.flatMap((kind) => {
      const k = plan.outputs.indexOf(`clipped.${kind}`);
      return k < 0 ? [] : [[kind, outputs[k]!]];
    }));
  });
}
