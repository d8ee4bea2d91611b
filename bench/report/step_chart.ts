/** @module */
import { interval } from "../format.ts";
import { medianInterval } from "../statistics.ts";
import type { Group } from "../summary.ts";
import { colourScale, draw, labelLimit, tip } from "./chart.ts";
import { groupTitle } from "./material.ts";

/** Milliseconds of a step, of the runs that reached the target: those have their seconds recorded. */
function stepTimes({ summaries }: Group) {
  return summaries.flatMap(({ method, rows }) => {
    const times = rows.flatMap(({ stepsToTarget: steps, secondsToTarget: seconds }) =>
      steps && seconds ? [1e3 * seconds / steps] : []
    );
    if (times.length === 0 || method.oracle) return [];
    const time = medianInterval(times);
    const tip = `${method.title}: ${interval(time)} ms a step`;
    return [{ method, title: method.title, ...time, tip }];
  });
}

/** Whether any run has its seconds recorded. */
export function hasSteps(group: Group): boolean {
  return stepTimes(group).length > 0;
}

/** Milliseconds of a whole step, with the smallest and largest over seeds. */
export async function stepChart(group: Group): Promise<string> {
  const times = stepTimes(group);
  const methods = times.map(({ method }) => method);
  const y = {
    field: "method",
    type: "nominal",
    sort: methods.map((m) => m.title),
    axis: { title: null, labelLimit, grid: false },
  };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    axis: { title: "milliseconds a step", tickCount: 4 },
  });
  const color = colourScale(methods);
  return await draw({
    height: 50 + 21 * times.length,
    data: { values: times.map(({ title, ...rest }) => ({ ...rest, method: title })) },
    layer: [
      {
        mark: { type: "bar", height: 12 },
        encoding: { y, x: x("middle"), color, description: tip },
      },
      {
        mark: { type: "rule", strokeWidth: 1.5, color: "var(--ink)" },
        encoding: { y, x: x("low"), x2: { field: "high" } },
      },
    ],
  }, `${groupTitle(group)}: milliseconds a step`);
}
