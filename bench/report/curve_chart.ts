/**
 * Lines with bands over steps: what a run does, a median over seeds.
 *
 * @module
 */
import { number, targetTitle } from "../format.ts";
import type { Curve } from "../rows.ts";
import { medianInterval } from "../statistics.ts";
import type { Group, Summary } from "../summary.ts";
import { colourScale, dashScale, draw, tip } from "./chart.ts";
import { groupTitle } from "./material.ts";
import { thinned } from "./thin.ts";

/** A column of curves that can be drawn over steps. */
export type Column = "trainLoss" | "testLoss";

/** The runs whose curves were recorded. */
export function withCurve(group: Group, column: keyof Curve): Summary[] {
  return group.summaries.filter(({ method, rows }) =>
    !method.oracle &&
    (rows[0]?.curve[column] as readonly unknown[] | undefined)?.some((v) => v !== null)
  );
}

/** The median over seeds at each step, with its interval. */
function pointsOf({ method, rows }: Summary, key: Column, ceiling: number) {
  const { step: steps } = rows[0]!.curve;
  const at = (i: number) => medianInterval(rows.map(({ curve }) => curve[key]?.[i] ?? Infinity));
  const end = at(steps.length - 1);
  const tip = `${method.title}: ${targetTitle[key]} at the end ${number(end.middle)} ` +
    `(${number(end.low)} to ${number(end.high)})`;
  return thinned(steps.length).flatMap((i) => {
    const { middle, low, high } = at(i);
    if (!(middle <= ceiling)) return [];
    const top = Math.min(high, ceiling);
    return [{ method: method.title, step: steps[i]!, value: middle, low, high: top, tip }];
  });
}

/** A loss over steps: a line for the median of the seeds, a band for their interval. */
export async function lossChart(group: Group, key: Column): Promise<string> {
  const { problem } = group;
  const summaries = withCurve(group, key);
  const start = summaries[0]!.rows[0]!.curve[key]?.[0] ?? 1;
  // What overshoots leaves the picture instead of flattening all others.
  const ceiling = start * (problem.noisyData ? 1.15 : 1.05);
  const methods = summaries.map((s) => s.method);
  const x = { field: "step", type: "quantitative", axis: { title: "steps", tickCount: 5 } };
  const y = (field: string) => ({
    field,
    type: "quantitative",
    scale: { zero: false, nice: false },
    axis: { title: targetTitle[key], tickCount: 5 },
  });
  const { metric, value } = problem.target;
  const color = colourScale(methods);
  return await draw({
    data: { values: summaries.flatMap((s) => pointsOf(s, key, ceiling)) },
    layer: [
      ...(metric === key
        ? [{
          mark: { type: "rule", strokeDash: [2, 3], color: "var(--soft)" },
          encoding: { y: { datum: value, type: "quantitative" } },
        }]
        : []),
      {
        mark: { type: "area", opacity: 0.13 },
        encoding: { x, y: y("low"), y2: { field: "high" }, color, description: tip },
      },
      {
        mark: { type: "line", strokeWidth: 1.8 },
        encoding: { x, y: y("value"), color, strokeDash: dashScale(methods), description: tip },
      },
    ],
  }, `${groupTitle(group)}: ${targetTitle[key]} over steps`);
}
