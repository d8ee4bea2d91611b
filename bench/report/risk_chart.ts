/** @module */
import { number } from "../format.ts";
import { meanInterval } from "../statistics.ts";
import { type Group, pooledAt, type Summary } from "../summary.ts";
import { colourScale, dashScale, draw, tip } from "./chart.ts";
import { groupTitle } from "./material.ts";
import { thinnedLogarithmically } from "./thin.ts";

interface RiskPoint {
  readonly method: string;
  readonly step: number;
  readonly risk: number;
  readonly low: number;
  readonly high: number;
  readonly predicted: number | null;
  readonly tip: string;
}

/** Risks of all seeds' replicas; nothing below `floor` or above `ceiling`, which logarithms would stretch to. */
function pointsOf(
  { method, rows }: Summary,
  [floor, ceiling]: readonly [number, number],
  most?: number,
): RiskPoint[] {
  const { curve } = rows[0]!;
  // Step 0 has no place on a logarithmic axis; it is the same for all methods.
  return thinnedLogarithmically(curve.step, most).flatMap((i) => {
    const step = curve.step[i]!;
    const pooled = pooledAt(rows, step);
    if (!pooled) return [];
    const { middle, low, high } = meanInterval(pooled);
    if (!(middle > floor && middle < ceiling)) return [];
    const predicted = curve.predicted?.[i] ?? null;
    return [{
      method: method.title,
      step,
      risk: middle,
      low: Math.max(low, floor),
      high: Math.min(high, ceiling),
      predicted: predicted !== null && predicted > floor && predicted < ceiling ? predicted : null,
      tip: `${method.title}: step ${step}: risk ${number(middle)} (95 %: ${number(low)} to ` +
        `${number(high)})${predicted === null ? "" : `; predicted ${number(predicted)}`}`,
    }];
  });
}

/** A line says whose it is, its points say more. */
const named = { field: "method" } as const;

const stepAxis = {
  field: "step",
  type: "quantitative",
  scale: { type: "log", nice: false },
  axis: { title: "steps", tickCount: 4, format: "~s" },
};

function riskAxis(field: string) {
  return {
    field,
    type: "quantitative",
    scale: { type: "log", nice: false },
    axis: { title: "risk", tickCount: 4, format: "~g" },
  };
}

/** The summaries whose ensembles were recorded. */
const recorded = (group: Group) =>
  group.summaries.filter(({ rows }) => rows[0]!.curve.replicas !== undefined);

/** Whether there is a measured risk to draw. */
export function hasRisk(group: Group): boolean {
  return recorded(group).some((s) => !s.method.oracle);
}

/** Whether there is a predicted risk to draw. */
export function hasPrediction(group: Group): boolean {
  return recorded(group).some((s) => s.method.predictedAs && s.rows[0]!.curve.predicted);
}

/** The range that a chart shows: from a tenth of the target to three times the start. */
function window(group: Group): [number, number] {
  const { problem } = group;
  const first = recorded(group)[0]!.rows[0]!.curve.trainLoss[0] ?? 1;
  return [problem.target.value / 10, 3 * first];
}

function target({ problem }: Group) {
  return {
    mark: { type: "rule", strokeDash: [2, 3], color: "var(--soft)" },
    encoding: { y: { datum: problem.target.value, type: "quantitative" } },
  };
}

/** Prediction as lines, measurement as points with 95 % intervals. */
export async function predictionChart(group: Group): Promise<string> {
  const shown = recorded(group).filter((s) => s.method.predictedAs);
  // Points with intervals: fewer than a line has.
  const values = shown.flatMap((s) => pointsOf(s, window(group), 24));
  const color = colourScale(shown.map((s) => s.method));
  const dashes = dashScale(shown.map((s) => s.method));
  return await draw({
    data: { values },
    layer: [
      target(group),
      {
        transform: [{ filter: "datum.predicted !== null" }],
        mark: { type: "line", strokeWidth: 1.5 },
        encoding: {
          x: stepAxis,
          y: riskAxis("predicted"),
          color,
          strokeDash: dashes,
          description: named,
        },
      },
      {
        mark: { type: "rule", strokeWidth: 1.5, opacity: 0.55 },
        encoding: {
          x: stepAxis,
          y: riskAxis("low"),
          y2: { field: "high" },
          color,
          description: named,
        },
      },
      {
        mark: { type: "point", filled: true, size: 22, opacity: 1 },
        encoding: { x: stepAxis, y: riskAxis("risk"), color, description: tip },
      },
    ],
  }, `${groupTitle(group)}: predicted and measured risk over steps`);
}

/** What can be used in practice, measured, with the combined oracle as the bound. */
export async function practiceChart(group: Group): Promise<string> {
  const shown = recorded(group).filter((s) => !s.method.oracle);
  const bound = recorded(group).filter((s) => s.method.name === "combined-oracle");
  const color = colourScale(shown.map((s) => s.method));
  const values = shown.flatMap((s) => pointsOf(s, window(group)));
  return await draw({
    data: { values },
    layer: [
      target(group),
      {
        data: { values: bound.flatMap((s) => pointsOf(s, window(group))) },
        mark: { type: "line", color: "var(--ink)", strokeDash: [4, 3], strokeWidth: 1 },
        encoding: { x: stepAxis, y: riskAxis("risk") },
      },
      {
        mark: { type: "area", opacity: 0.12 },
        encoding: {
          x: stepAxis,
          y: riskAxis("low"),
          y2: { field: "high" },
          color,
          description: named,
        },
      },
      {
        mark: { type: "line", strokeWidth: 1.6 },
        encoding: {
          x: stepAxis,
          y: riskAxis("risk"),
          color,
          strokeDash: dashScale(shown.map((s) => s.method)),
          description: named,
        },
      },
    ],
  }, `${groupTitle(group)}: measured risk over steps of each usable method`);
}
