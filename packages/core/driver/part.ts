/**
 * A part of a step: parameters that run the same programs, of which the last one writes the weights.
 *
 * What the earlier programs make lies in scratch arrays. So does what the last one makes, unless it is
 * the last one of the whole step: if any of them fails, weights and slots are as they were.
 *
 * @module
 */
import { updateName, weightsName, type Writes } from "../chain/build.ts";
import type { Chain } from "../chain/chain.ts";
import type { Program } from "../kernel/program.ts";
import type { Backend, Kernel } from "./backend.ts";
import type { ClippedCounter, ClippedCounts } from "./contribution.ts";
import type { Plan } from "./plan.ts";
import type { Prepared, PreparedGroup } from "./prepared.ts";
import type { Scratch } from "./scratch.ts";

/** A part of a step. */
export interface Part<A> {
  readonly chain: Chain;
  readonly items: readonly Prepared<A>[];
  /**
   * Of each parameter what is no slot and no evidence: weights, update, and what flows between
   * programs.
   */
  readonly arrays: readonly Record<string, A>[];
  readonly writes: Writes;
  readonly counter: ClippedCounter | undefined;
  /** Of each parameter, what its bounds change. */
  readonly clipped: ClippedCounts<A>[];
}

/** What programs run on. */
export interface PartHost<A> {
  readonly backend: Backend<A>;
  readonly scratch: Scratch<A>;
  kernelOf(chain: Chain, program: Program): Kernel<A> & { readonly plan: Plan };
}

/** Makes a part. */
export function partOf<A>(
  { chain, writes, countClipped: counter }: Omit<PreparedGroup<A>, "items">,
  items: readonly Prepared<A>[],
): Part<A> {
  const arrays = items.map(({ given: { weights, update } }): Record<string, A> => ({
    ...(weights === undefined ? {} : { [weightsName]: weights }),
    ...(update === undefined ? {} : { [updateName]: update }),
  }));
  return { chain, items, arrays, writes, counter, clipped: items.map(() => ({})) };
}

/** An array of a part by its name. */
export function arrayOf<A>({ items, arrays }: Part<A>, i: number, name: string): A {
  const { given, slots } = items[i]!;
  const own = arrays[i]![name];
  if (own !== undefined) return own;
  return name === "gradient" || name === "gradientSquares" || name === "curvature"
    ? given[name]!
    : slots[name]!;
}
