/** @module */
import { medianInterval } from "../statistics.ts";
import type { Group, Summary } from "../summary.ts";
import { colourScale, draw } from "./chart.ts";
import { dashes } from "./risk_chart.ts";

/** The median over seeds of a loss at each step, with its interval. */
function pointsOf({ method, rows }: Summary, key: "trainLoss" | "testLoss", ceiling: number) {
  return rows[0]!.curve.step.flatMap((step, i) => {
    const values = rows.map(({ curve }) => curve[key]?.[i] ?? Infinity);
    const { middle, low, high } = medianInterval(values);
    if (!(middle <= ceiling)) return [];
    return [{ method: method.title, step, loss: middle, low, high: Math.min(high, ceiling) }];
  });
}

/** Loss over steps: a line for the median of the seeds, a band for their interval. */
export async function lossChart(group: Group, key: "trainLoss" | "testLoss"): Promise<string> {
  const { problem, summaries } = group;
  const start = summaries[0]!.rows[0]!.curve[key]?.[0] ?? 1;
  // What overshoots leaves the picture instead of flattening all others.
  const ceiling = start * (problem.noisyData ? 1.15 : 1.05);
  const values = summaries.flatMap((s) => pointsOf(s, key, ceiling));
  const color = colourScale(summaries.map((s) => s.method));
  const x = { field: "step", type: "quantitative", axis: { title: "steps", tickCount: 5 } };
  const y = (field: string) => ({
    field,
    type: "quantitative",
    scale: { zero: false, nice: false },
    axis: { title: key === "trainLoss" ? "training loss" : "test loss", tickCount: 5 },
  });
  const { metric, value } = problem.target;
  return await draw({
    data: { values },
    layer: [
      ...(metric === key
        ? [{
          mark: { type: "rule", strokeDash: [2, 3], color: "#8b93a0" },
          encoding: { y: { datum: value, type: "quantitative" } },
        }]
        : []),
      {
        mark: { type: "area", opacity: 0.13 },
        encoding: { x, y: y("low"), y2: { field: "high" }, color },
      },
      {
        mark: { type: "line", strokeWidth: 1.6 },
        encoding: { x, y: y("loss"), color, strokeDash: dashes(summaries) },
      },
    ],
  }, `${problem.title}: ${key === "trainLoss" ? "training" : "test"} loss over steps`);
}
