/** @module */
import { groupsOf, type Program } from "@precond/core/backend";
import type { ConformanceCase } from "./cases.ts";

const freshness = [
  { gradientSquares: false, curvature: false },
  { gradientSquares: true, curvature: true },
];

/** What a lowering has to write: operations and how often each runs, arrays by shape, sums, passes. */
function contentsOf({ nodes, inputs, outputs, sums, passes, hold }: Program): string[] {
  return [
    ...nodes.map(({ op, rate }) => `${op} for each ${rate}`),
    ...inputs.map(({ shape }) => `${shape} read`),
    ...outputs.map(({ shape }) => `${shape} written`),
    ...sums.map(({ scope, node }) => `sum over ${scope} of each ${nodes[node]!.rate}`),
    `${passes.length} passes`,
    ...(hold === undefined ? [] : ["hold"]),
  ];
}

/**
 * What a case asks of a backend: its alias or piece, the kinds of evidence, and the contents of its
 * programs.
 */
export function featuresOf({ name, definition, plan }: ConformanceCase): Set<string> {
  const programs = groupsOf(definition()).flatMap(({ chain }) =>
    freshness.map((fresh) => contentsOf(chain.program(fresh)))
  );
  const called = /^(\w+)\(/.exec(name)?.slice(1) ?? [];
  return new Set([...called, ...Object.keys(plan), ...programs.flat()]);
}

/**
 * Few of the cases that together ask for all that they all do: each alias, each piece, each kind of
 * evidence, each operation of the kernel language at each rate, each scope of a sum. For software
 * GPUs, where compiling shaders takes the time, of lowerings that run with every case elsewhere.
 */
export function representatives<Case extends ConformanceCase>(cases: readonly Case[]): Case[] {
  const features = new Map(cases.map((test) => [test, featuresOf(test)]));
  const chosen = new Set<Case>(), seen = new Set<string>();
  const added = (test: Case) => [...features.get(test)!].filter((f) => !seen.has(f)).length;
  for (;;) {
    const best = cases.reduce((a, b) => added(b) > added(a) ? b : a);
    if (added(best) === 0) return cases.filter((test) => chosen.has(test));
    chosen.add(best);
    for (const feature of features.get(best)!) seen.add(feature);
  }
}
