/** @module */
import type { Group } from "../summary.ts";
import { colourScale, draw } from "./chart.ts";

/** Test loss at its best moment (ring) and at the end (dot), median over seeds with the end's interval. */
export async function noiseChart(group: Group): Promise<string> {
  const { problem, summaries } = group;
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
    }];
  });
  const y = {
    field: "method",
    type: "nominal",
    sort: summaries.map((s) => s.method.title),
    axis: { title: null, labelLimit: 170, labelFontSize: 11, grid: false },
  };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    scale: { zero: false, padding: 10 },
    axis: { title: "test loss: ring = best moment, dot = end", tickCount: 5 },
  });
  const color = colourScale(summaries.map((s) => s.method));
  return await draw({
    height: 23 * Math.max(1, values.length),
    width: 235,
    data: { values },
    layer: [
      {
        mark: { type: "rule", strokeWidth: 7, opacity: 0.16 },
        encoding: { y, x: x("low"), x2: { field: "high" }, color },
      },
      {
        mark: { type: "rule", strokeWidth: 1.6 },
        encoding: { y, x: x("best"), x2: { field: "final" }, color },
      },
      {
        mark: { type: "point", size: 55, fill: "white", strokeWidth: 1.6, opacity: 1 },
        encoding: { y, x: x("best"), color },
      },
      {
        mark: { type: "point", filled: true, size: 60, opacity: 1 },
        encoding: { y, x: x("final"), color },
      },
    ],
  }, `${problem.title}: best and final test loss of each method`);
}
