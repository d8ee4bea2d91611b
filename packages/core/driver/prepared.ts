/**
 * Parameters of a step, with all that can be known before kernels run.
 *
 * @module
 */
import type { Fresh, Writes } from "../chain/build.ts";
import type { Chain } from "../chain/chain.ts";
import type { Scalars } from "../chain/types.ts";
import type { ClippedCounter, Contribution } from "./contribution.ts";
import type { ParameterState } from "./driver_state.ts";
import { type Plan, scalarVector } from "./plan.ts";

/** One parameter of a step. */
export interface Prepared<A> {
  readonly given: Contribution<A>;
  /** As it was: its arrays stay until the step is done. */
  readonly state: ParameterState<A>;
  readonly step: number;
  readonly samples: ParameterState<A>["samples"];
  readonly scalars: readonly Scalars[];
  /** The slots as they become. */
  readonly slots: Record<string, A>;
}

/** Parameters of one chain, ready to run. */
export interface PreparedGroup<A> {
  readonly chain: Chain;
  readonly fresh: Fresh;
  readonly writes: Writes;
  readonly countClipped: ClippedCounter | undefined;
  readonly items: readonly Prepared<A>[];
}

/** The scalars of a program for each parameter; equal ones are one array. */
export function vectorsOf<A>(
  chain: Chain,
  plan: Plan,
  items: readonly Prepared<A>[],
): Float64Array[] {
  const known = new Map<readonly Scalars[], Float64Array>();
  return items.map(({ scalars, given }) => {
    let vector = known.get(scalars);
    if (!vector) known.set(scalars, vector = scalarVector(chain, plan, scalars, given.name));
    return vector;
  });
}
