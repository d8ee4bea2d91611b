/** @module */
import { checkOptions, checkValue } from "../checks.ts";
import * as kinds from "../kinds.ts";
import type { Chain } from "./chain.ts";
import { type Match, matches } from "./match.ts";
import { type Specified, specify } from "./specification.ts";
import type { CurvatureSource, Evidence, ParameterInfo } from "./types.ts";

/** A chain and the parameters that it trains. */
export interface Group {
  readonly match: Match;
  readonly chain: Chain;
}

/** Several chains, each for its own parameters. */
export interface Grouped extends Specified {
  readonly groups: readonly Group[];
  readonly needs: readonly Evidence[];
  readonly curvature?: CurvatureSource;
}

/** What hosts take: one chain, or one for each group of parameters. */
export type Definition = Chain | Grouped;

/**
 * Trains each parameter with the chain of the first group that it matches.
 *
 * Sums over "all" (global norms) run over the parameters of the group.
 *
 * @throws {TypeError} If two groups ask for different curvature samples, or a group is none. A parameter that matches
 * no group is an error of the step that brings it.
 *
 * @example
 * ```ts
 * import { adam, perParameter, sgd } from "@precond/core";
 *
 * perParameter([
 *   { match: /bias$/, chain: sgd({ learningRate: 0.1 }) },
 *   { match: () => true, chain: adam() },
 * ]);
 * ```
 */
export function perParameter(groups: readonly Group[]): Grouped {
  const action = "group parameters";
  checkValue(action, groups, kinds.listOf(kinds.anything, 1), "groups");
  groups.forEach((group, i) =>
    checkOptions(
      `${action} (group ${i + 1})`,
      group ?? null,
      { match: kinds.match, chain: kinds.oneChain },
      ["match", "chain"],
    )
  );
  let curvature: CurvatureSource | undefined;
  for (const { match, chain } of groups) {
    const own = chain.curvature;
    if (own && curvature && (own.kind !== curvature.kind || own.every !== curvature.every)) {
      throw new TypeError(
        `Cannot ${action}: ${
          String(match)
        } wants ${own.kind} curvature every ${own.every} steps, an earlier group ${curvature.kind} every ${curvature.every}`,
      );
    }
    curvature ??= own;
  }
  return {
    ...specify("perParameter", groups),
    groups: [...groups],
    needs: [...new Set(groups.flatMap(({ chain }) => chain.needs))],
    ...(curvature ? { curvature } : {}),
  };
}

/** The groups of a definition; a chain is one group of everything. */
export function groupsOf(definition: Definition): readonly Group[] {
  return "groups" in definition ? definition.groups : [{ match: () => true, chain: definition }];
}

/** The chain that trains this parameter. */
export function chainFor(definition: Definition, parameter: ParameterInfo): Chain {
  const group = groupsOf(definition).find(({ match }) => matches(match, parameter));
  if (!group) {
    throw new TypeError(
      `Cannot step "${parameter.name}": it matches none of the ${
        groupsOf(definition).length
      } parameter groups`,
    );
  }
  return group.chain;
}
