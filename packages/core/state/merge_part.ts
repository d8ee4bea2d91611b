/** @module */
import type { Chain } from "../chain/chain.ts";
import type { Scalars } from "../chain/types.ts";
import type { SavedParameter } from "./optimizer_state.ts";
import type { NamedArray } from "./safetensors.ts";
import type { Share } from "./weighted_mean.ts";

/** A parameter in one of the states. */
export interface Part {
  /** What messages call the state. */
  readonly label: string;
  /** p */
  readonly weight: number;
  readonly entry: SavedParameter;
  readonly chain: Chain;
  /** Of each stage; undefined before its first step. */
  readonly scalars: readonly Scalars[] | undefined;
  /** By `stage.slot`. */
  readonly slots: ReadonlyMap<string, NamedArray>;
}

/** A slot in all states. */
export const sharesOf = (parts: readonly Part[], slot: string): Share[] =>
  parts.map(({ weight, slots }) => ({ weight, values: slots.get(slot)!.values }));
