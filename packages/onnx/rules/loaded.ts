/**
 * Rules that are there, or can be loaded: those that gradients are made of always, other families when
 * a graph has one of their operators.
 *
 * @module
 */
import type { OperatorRule, RuleLookup } from "../graph/rule.ts";
import { NotLoaded } from "../model/not_loaded.ts";
import { arithmetic } from "./arithmetic.ts";
import { axes } from "./axes.ts";
import { combine } from "./combine.ts";
import { comparisons } from "./comparisons.ts";
import { families, type Family } from "./families.ts";
import { fills } from "./fills.ts";
import { math } from "./math.ts";
import { matrix } from "./matrix.ts";
import { reductions } from "./reductions.ts";
import { shapes } from "./shapes.ts";

/** What the gradients of all families are made of. */
const basic = [
  arithmetic,
  axes,
  combine,
  comparisons,
  fills,
  math,
  matrix,
  reductions,
  shapes,
].flat();

/** The operators of a name without a domain are ONNX's own. */
const keyOf = (opType: string, domain: string) =>
  domain === "" || domain === "ai.onnx" ? opType : `${domain}:${opType}`;
const entryOf = (rule: OperatorRule) => [keyOf(rule.opType, rule.domain ?? ""), rule] as const;

/** Makes a lookup that begins with the basic rules. */
function createLookup(): { lookup: RuleLookup; load(operators: Iterable<string>): Promise<void> } {
  const rules = new Map(basic.map(entryOf));
  const waiting = new Map<string, Family>();
  for (const family of families) {
    for (const key of family.operators.split(" ")) waiting.set(key, family);
  }
  const load = async (keys: Iterable<string>) => {
    const wanted = new Set(
      [...keys].flatMap((key) => rules.has(key) ? [] : waiting.get(key) ?? []),
    );
    const loaded = await Promise.all([...wanted].map((family) => family.load()));
    for (const rule of loaded.flat()) rules.set(...entryOf(rule));
  };
  return {
    load,
    lookup(opType, domain) {
      const key = keyOf(opType, domain);
      const found = rules.get(key);
      if (found === undefined && waiting.has(key)) {
        throw new NotLoaded(`the rule of ${key} is`, () => load([key]));
      }
      return found;
    },
  };
}

const { lookup, load } = createLookup();

/**
 * The rule of an operator.
 *
 * @throws {NotLoaded} If there is one that is not loaded.
 */
export const loadedRule: RuleLookup = lookup;

/** Loads the rules of operators; of those without one nothing. */
export function loadRules(
  operators: Iterable<{ readonly opType: string; readonly domain: string }>,
): Promise<void> {
  return load([...operators].map(({ opType, domain }) => keyOf(opType, domain)));
}
