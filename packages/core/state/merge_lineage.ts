/**
 * Which merged states saved ones come from: samples behind a merged state are in all states that went on
 * from it, and must count once.
 *
 * @module
 */
import type { SavedParameter } from "./optimizer_state.ts";
import type { NamedArray } from "./safetensors.ts";

/** A state that is merged, and where it comes from. */
export interface Descendant {
  /** What messages call it. */
  readonly label: string;
  /** Fingerprints of merged states, the last one last. */
  readonly past: readonly string[];
}

/** How many fingerprints a state keeps. */
const kept = 64;

/** 64 bits of what a state knows: equal for equal states, and for hardly any others. */
export function fingerprint(
  parameters: readonly (readonly [name: string, saved: SavedParameter])[],
  tensors: ReadonlyMap<string, NamedArray>,
): string {
  // Two FNV-like sums, by words; multipliers are those of FNV-1a and of MurmurHash 2.
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  const add = (word: number) => {
    a = Math.imul(a ^ word, 0x01000193);
    a ^= a >>> 15;
    b = Math.imul(b ^ word, 0x5bd1e995);
    b ^= b >>> 13;
  };
  const addText = (text: string) => {
    for (let i = 0; i < text.length; i++) add(text.charCodeAt(i));
  };
  addText(JSON.stringify(parameters));
  for (const [name, { values }] of tensors) {
    addText(name);
    for (const word of new Uint32Array(values.buffer, values.byteOffset, values.length)) add(word);
  }
  return [a, b].map((x) => (x >>> 0).toString(16).padStart(8, "0")).join("");
}

/** The past of what is merged of these states, itself at its end. */
export const pastOf = (states: readonly Descendant[], own: string): string[] =>
  [...new Set([...states.flatMap(({ past }) => past).filter((id) => id !== own), own])].slice(
    -kept,
  );

/** Two states, and the last merged state that both come from, if they come from one. */
export interface Kinship {
  readonly one: Descendant;
  readonly other: Descendant;
  readonly common: string | undefined;
}

function kinship(one: Descendant, other: Descendant): Kinship {
  const known = new Set(one.past);
  return { one, other, common: other.past.filter((id) => known.has(id)).at(-1) };
}

/** All pairs of states with different pasts, and one of each past that several have. */
export function kinships(states: readonly Descendant[]): Kinship[] {
  const families = new Map<string, Descendant[]>();
  for (const state of states) {
    const key = state.past.join();
    families.set(key, [...(families.get(key) ?? []), state]);
  }
  const members = [...families.values()];
  return members.flatMap((family, i) => [
    ...(family.length > 1 ? [kinship(family[0]!, family[1]!)] : []),
    ...members.slice(i + 1).map((other) => kinship(family[0]!, other[0]!)),
  ]);
}

/**
 * Checks that all states come from the base, and none of them share more.
 *
 * @throws {TypeError} If they do not.
 */
export function checkBase(action: string, states: readonly Descendant[], base: Descendant): void {
  const own = base.past.at(-1);
  for (const { one, other, common } of kinships(states)) {
    if (common === own) continue;
    const shared = common === undefined
      ? `${one.label} and ${other.label} come from no merged state that is the same`
      : own === undefined
      ? `${one.label} and ${other.label} come from a merged state, base does not`
      : `${one.label} and ${other.label} come from another merged state than base`;
    throw new TypeError(
      `Cannot ${action}: ${shared}; give as base the state that all of them started from`,
    );
  }
}
