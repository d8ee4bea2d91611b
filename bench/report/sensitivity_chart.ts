/** @module */
import { number } from "../format.ts";
import type { Group } from "../summary.ts";
import { colourScale, dashScale, draw, tip } from "./chart.ts";
import { groupTitle } from "./material.ts";

const scoreTitle = {
  stepsToTarget: "steps to target",
  finalTrainLoss: "final training loss",
  bestValidation: "best validation loss",
  finalValidation: "final validation loss",
};

/** Whether any rates were tried. */
export function hasSensitivity({ summaries }: Group): boolean {
  return summaries.some(({ method, sensitivity }) =>
    !method.oracle && sensitivity && sensitivity.rates.length > 1
  );
}

/** The score of every rate tried; flat and wide is easy to tune. */
export async function sensitivityChart(group: Group): Promise<string> {
  const { problem, selection, summaries } = group;
  const curves = summaries.flatMap(({ method, sensitivity }) =>
    sensitivity
      ? sensitivity.rates.map((rate, i) => ({
        method: method.title,
        rate,
        score: sensitivity.scores[i] ?? null,
        chosen: rate === sensitivity.learningRate,
        tip: `${method.title}: rate ${number(rate)}: ${scoreTitle[selection]} ${
          number(sensitivity.scores[i])
        }${rate === sensitivity.learningRate ? ", chosen" : ""}`,
      }))
      : []
  );
  const best = Math.min(...curves.map((p) => p.score ?? Infinity));
  const steps = selection === "stepsToTarget";
  const ceiling = steps ? problem.steps * 3 : Math.max(3 * best, best + 1);
  const values = curves.filter((p) => p.score !== null && p.score <= ceiling && p.score > 0);
  const shown = summaries.filter((s) => !s.method.oracle);
  const titles = new Set(shown.map((s) => s.method.title));
  const color = colourScale(shown.map((s) => s.method));
  const x = {
    field: "rate",
    type: "quantitative",
    scale: { type: "log", nice: false, padding: 6 },
    axis: { title: "learning rate", tickCount: 5, format: "~g" },
  };
  const y = {
    field: "score",
    type: "quantitative",
    scale: { type: "log", nice: false, padding: 6 },
    axis: { title: scoreTitle[selection], tickCount: 4, format: "~g" },
  };
  return await draw({
    data: { values: values.filter((p) => titles.has(p.method)) },
    layer: [
      {
        mark: { type: "line", strokeWidth: 1.6 },
        encoding: {
          x,
          y,
          color,
          strokeDash: dashScale(shown.map((s) => s.method)),
          description: { field: "method" },
        },
      },
      {
        mark: { type: "point", filled: true },
        encoding: {
          x,
          y,
          color,
          description: tip,
          size: { condition: { test: "datum.chosen", value: 70 }, value: 16 },
          opacity: { value: 1 },
        },
      },
    ],
  }, `${groupTitle(group)}: ${scoreTitle[selection]} over learning rate`);
}
