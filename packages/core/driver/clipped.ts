/** @module */
import type { Programs } from "../chain/build.ts";
import { clippingKinds } from "../chain/clipping.ts";
import { clippingProgram } from "../chain/clipping_program.ts";
import { type Backend, type Kernel, type KernelCall, layout } from "./backend.ts";
import type { ClippedCounter, ClippedCounts } from "./contribution.ts";
import { arrayOf, type Part, type PartHost } from "./part.ts";
import type { Plan } from "./plan.ts";
import { vectorsOf } from "./prepared.ts";

/** Counts what a program clips, before it is run: it may write into the slots that this reads. */
export function countClipped<A>(host: PartHost<A>, part: Part<A>, programs: Programs): void {
  const program = clippingProgram(programs.clips);
  if (!program) return;
  const { backend, kernelOf } = host;
  const kernel = kernelOf(part.chain, program);
  const vectors = vectorsOf(part.chain, kernel.plan, part.items);
  const calls = part.items.map(({ given }, i) => ({
    ...layout(given.shape),
    inputs: kernel.plan.inputs.map((name) => arrayOf(part, i, name)),
    scalars: vectors[i]!,
  }));
  countsOf(backend, kernel, kernel.plan, calls).forEach((found, i) => {
    // Bounds on both sides of a basis: what the last one does is what the weights see.
    for (const [kind, array] of Object.entries(found)) {
      const known = part.clipped[i]![kind as keyof ClippedCounts<A>];
      part.clipped[i] = { ...part.clipped[i], [kind]: array };
      if (known !== undefined) backend.dispose(known);
    }
  });
}

/** What `countClipped` of a step's options may be. */
export const clippedCounter: ClippedCounter = { count: countClipped };

/** Runs a chain's clipping program; the calls need no outputs. */
function countsOf<A>(
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
