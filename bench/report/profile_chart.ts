/** @module */
import { methodNamed } from "../methods.ts";
import { type Profiles, shareWithin } from "../profiles.ts";
import { colourScale, dashScale, draw, tip } from "./chart.ts";

const costTitles = {
  examplesToTarget: "examples",
  stepsToTarget: "steps",
  secondsToTarget: "seconds",
} as const;

/** Beyond a factor of 16 hardly anything is decided. */
const widest = 16;

/** The share of races that each method wins, and that it is within a factor of the best in. */
export async function profileChart(
  { cost, races, profiles }: Profiles,
  title: string,
): Promise<string> {
  const methods = profiles.map(({ method }) => methodNamed(method));
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const values = profiles.flatMap((profile, i) => {
    const { title } = methods[i]!;
    const tip = `${title}: best in ${percent(shareWithin(profile, 1))} of ${races} races, within ` +
      `a factor of 2 in ${percent(shareWithin(profile, 2))}, reached the target in ${
        percent(shareWithin(profile, Number.MAX_VALUE))
      }`;
    const steps = [...new Set(profile.factors.filter((f) => f < widest))].sort((a, b) => a - b);
    return [1, ...steps, widest].map((factor) => ({
      method: title,
      factor,
      share: shareWithin(profile, factor),
      tip,
    }));
  });
  return await draw({
    data: { values },
    mark: { type: "line", interpolate: "step-after", strokeWidth: 1.8 },
    encoding: {
      x: {
        field: "factor",
        type: "quantitative",
        scale: { type: "log", base: 2, domain: [1, widest], nice: false },
        axis: { title: `${costTitles[cost]}, times the best`, values: [1, 2, 4, 8, 16] },
      },
      y: {
        field: "share",
        type: "quantitative",
        scale: { domain: [0, 1] },
        axis: { title: "share of races", format: "%", tickCount: 5 },
      },
      color: colourScale(methods),
      strokeDash: dashScale(methods),
      description: tip,
    },
  }, `${title}: performance profile of ${costTitles[cost]} to the target`);
}
