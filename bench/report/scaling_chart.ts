/** @module */
import { interval } from "../format.ts";
import type { Group } from "../summary.ts";
import { colourScale, dashScale, draw, tip } from "./chart.ts";

/** Groups that differ in their batch sizes alone, several each. */
export function scalings(groups: readonly Group[]): Group[][] {
  const families = Map.groupBy(
    groups,
    ({ problem, backend, selection }) => `${problem.name}/${backend}/${selection}`,
  );
  return [...families.values()].filter((family) => family.length > 1);
}

/** Examples to the target over the batch size: flat as long as noise rules. */
export async function scalingChart(family: readonly Group[]): Promise<string> {
  const values = family.flatMap(({ problem: { batchSize }, summaries }) =>
    summaries.flatMap(({ method, metrics: { examplesToTarget: examples } }) =>
      examples && Number.isFinite(examples.middle) && !method.oracle
        ? [{
          method: method.title,
          batchSize,
          examples: examples.middle,
          tip: `${method.title}: ${
            interval(examples)
          } examples to the target with batches of ${batchSize}`,
        }]
        : []
    )
  );
  const taking = new Set(values.map(({ method }) => method));
  const all = family.flatMap(({ summaries }) => summaries.map(({ method }) => method));
  const methods = [...new Set(all)].filter(({ title }) => taking.has(title));
  const sizes = family.map(({ problem }) => problem.batchSize);
  const x = {
    field: "batchSize",
    type: "quantitative",
    scale: { type: "log", base: 2, nice: false, padding: 8 },
    axis: { title: "batch size", values: sizes },
  };
  const y = {
    field: "examples",
    type: "quantitative",
    scale: { type: "log", nice: false, padding: 8 },
    axis: { title: "examples to the target", tickCount: 4, format: "~s" },
  };
  const color = colourScale(methods);
  return await draw(
    {
      data: { values },
      layer: [
        {
          mark: { type: "line", strokeWidth: 1.8 },
          encoding: {
            x,
            y,
            color,
            strokeDash: dashScale(methods),
            description: { field: "method" },
          },
        },
        {
          mark: { type: "point", filled: true, size: 40, opacity: 1 },
          encoding: { x, y, color, description: tip },
        },
      ],
    },
    `${family[0]!.problem.title} on ${family[0]!.backend}: examples to the target over batch size`,
  );
}
