/** @module */
import { methodNamed } from "../methods.ts";
import { colourScale, draw, labelLimit, tip } from "./chart.ts";
import { type Contest, placeOf, rivalTitle } from "./material.ts";
import { placeKey } from "../comparison.ts";
import { sentence, subject } from "./effect_words.ts";

/** Beyond a factor of 8 a point lies at the edge, and its tip has the number. */
const edge = 8;

/**
 * The effect of some methods on every problem with its interval, and a line where there is no
 * difference from tuned Adam: a forest plot.
 */
export async function forestChart(
  contest: Contest,
  among: readonly string[],
): Promise<string> {
  const { title, groups, comparisons } = contest;
  const rival = rivalTitle(contest.rival);
  const shown = comparisons.filter((c) => among.includes(c.method) && c.finding !== "not reached");
  const methods = among.map(methodNamed).filter((m) => shown.some((c) => c.method === m.name));
  const ratio = shown[0]?.scale === "ratio";
  const finite = shown.flatMap(({ effect: e }) => [e.low, e.high]).filter(Number.isFinite);
  const [least, most] = ratio ? [1 / edge, edge] : [Math.min(0, ...finite), Math.max(0, ...finite)];
  const within = (value: number) => Math.min(most, Math.max(least, value));
  const problemOf = new Map(groups.map((g) => [placeKey(placeOf(g)), g.problem]));
  const values = shown.map((c) => {
    const { middle, low, high } = c.effect;
    return {
      problem: c.problem,
      method: methodNamed(c.method).title,
      middle: within(middle),
      low: within(low),
      high: within(high),
      beyond: Math.sign(middle - within(middle)),
      tip: sentence(c, problemOf.get(placeKey(c))!.title),
    };
  });
  const y = {
    field: "problem",
    type: "nominal",
    sort: groups.map(({ problem }) => problem.name),
    axis: { title: null, labelLimit, grid: false, labelPadding: 6 },
  };
  const yOffset = { field: "method", type: "nominal", sort: methods.map((m) => m.title) };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    scale: ratio
      ? { type: "log", domain: [least, most], nice: false, padding: 6 }
      : { domain: [least, most], nice: false, padding: 6 },
    axis: ratio
      ? {
        title: `fewer ← ${rival} → more`,
        values: [1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8],
        format: "~r",
      }
      : { title: `lower ← ${rival} → higher`, tickCount: 4 },
  });
  const color = colourScale(methods);
  return await draw({
    height: 60 + groups.length * (10 + 14 * methods.length),
    data: { values },
    layer: [
      {
        mark: { type: "rule", color: "var(--ink)", strokeWidth: 1.2 },
        encoding: { x: { datum: ratio ? 1 : 0, type: "quantitative" } },
      },
      {
        mark: { type: "rule", strokeWidth: 2.5, opacity: 0.55 },
        encoding: { y, yOffset, x: x("low"), x2: { field: "high" }, color, description: tip },
      },
      {
        mark: { type: "point", filled: true, size: 62, opacity: 1 },
        encoding: {
          y,
          yOffset,
          x: x("middle"),
          color,
          shape: {
            condition: [
              { test: "datum.beyond > 0", value: "triangle-right" },
              { test: "datum.beyond < 0", value: "triangle-left" },
            ],
            value: "circle",
          },
          description: tip,
        },
      },
    ],
  }, `${title}: ${subject(contest)}`);
}
