/** @module */
import { interval, number } from "../format.ts";
import type { Group } from "../summary.ts";
import { colourScale, draw, labelLimit, tip } from "./chart.ts";
import { groupTitle } from "./material.ts";

/** Test loss at its best moment (ring) and at the end (dot), median over seeds with the end's interval. */
export async function noiseChart(group: Group): Promise<string> {
  const { summaries } = group;
  const values = summaries.flatMap(({ method, metrics }) => {
    const [best, final] = [metrics.bestTestLoss, metrics.finalTestLoss];
    if (!best || !final || !Number.isFinite(final.middle)) return [];
    const high = Number.isFinite(final.high) ? final.high : final.middle;
    return [{
      method: method.title,
      best: best.middle,
      final: final.middle,
      low: final.low,
      high,
      tip: `${method.title}: test loss at its best moment ${number(best.middle)}, at the end ${
        interval(final)
      }`,
    }];
  });
  const y = {
    field: "method",
    type: "nominal",
    sort: summaries.map((s) => s.method.title),
    axis: { title: null, labelLimit, grid: false },
  };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    scale: { zero: false, padding: 10 },
    axis: { title: "test loss: ○ best, ● end", tickCount: 4 },
  });
  const color = colourScale(summaries.map((s) => s.method));
  return await draw({
    height: 50 + 21 * Math.max(1, values.length),
    data: { values },
    layer: [
      {
        mark: { type: "rule", strokeWidth: 7, opacity: 0.16 },
        encoding: { y, x: x("low"), x2: { field: "high" }, color, description: tip },
      },
      {
        mark: { type: "rule", strokeWidth: 1.6 },
        encoding: { y, x: x("best"), x2: { field: "final" }, color, description: tip },
      },
      {
        mark: { type: "point", size: 55, fill: "var(--paper)", strokeWidth: 1.6, opacity: 1 },
        encoding: { y, x: x("best"), color, description: tip },
      },
      {
        mark: { type: "point", filled: true, size: 60, opacity: 1 },
        encoding: { y, x: x("final"), color, description: tip },
      },
    ],
  }, `${groupTitle(group)}: best and final test loss of each method`);
}
