/** @module */
import { meanInterval } from "../statistics.ts";
import { type Group, pooledAt, type Summary } from "../summary.ts";
import { colourScale, draw } from "./chart.ts";

interface RiskPoint {
  readonly method: string;
  readonly step: number;
  readonly risk: number;
  readonly low: number;
  readonly high: number;
  readonly predicted: number | null;
}

/** Risks of all seeds' replicas; nothing below `floor` or above `ceiling`, which logarithms would stretch to. */
function pointsOf(
  { method, rows }: Summary,
  [floor, ceiling]: readonly [number, number],
): RiskPoint[] {
  const { curve } = rows[0]!;
  return curve.step.flatMap((step, i) => {
    const pooled = pooledAt(rows, step);
    if (!pooled) return [];
    const { middle, low, high } = meanInterval(pooled);
    if (!(middle > floor && middle < ceiling)) return [];
    const predicted = curve.predicted?.[i] ?? null;
    // Step 0 has no place on a logarithmic axis; it is the same for all methods.
    return step === 0 ? [] : [{
      method: method.title,
      step,
      risk: middle,
      low: Math.max(low, floor),
      high: Math.min(high, ceiling),
      predicted: predicted !== null && predicted > floor && predicted < ceiling ? predicted : null,
    }];
  });
}

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

/** The range that a chart shows: from a tenth of the target to three times the start. */
function window({ problem, summaries }: Group): [number, number] {
  const first = summaries[0]!.rows[0]!.curve.trainLoss[0] ?? 1;
  return [problem.target.value / 10, 3 * first];
}

function target({ problem }: Group) {
  return {
    mark: { type: "rule", strokeDash: [2, 3], color: "#8b93a0" },
    encoding: { y: { datum: problem.target.value, type: "quantitative" } },
  };
}

/** Prediction as lines, measurement as points with 95 % intervals. */
export async function predictionChart(group: Group): Promise<string> {
  const shown = group.summaries.filter((s) => s.method.predictedAs);
  const values = shown.flatMap((s) => pointsOf(s, window(group)));
  const color = colourScale(shown.map((s) => s.method));
  return await draw({
    data: { values },
    layer: [
      target(group),
      {
        transform: [{ filter: "datum.predicted !== null" }],
        mark: { type: "line", strokeWidth: 1.5 },
        encoding: { x: stepAxis, y: riskAxis("predicted"), color },
      },
      {
        mark: { type: "rule", strokeWidth: 1.5, opacity: 0.55 },
        encoding: { x: stepAxis, y: riskAxis("low"), y2: { field: "high" }, color },
      },
      {
        mark: { type: "point", filled: true, size: 22, opacity: 1 },
        encoding: { x: stepAxis, y: riskAxis("risk"), color },
      },
    ],
  }, `${group.problem.title}: predicted and measured risk over steps`);
}

/** What can be used in practice, measured, with the combined oracle as the bound. */
export async function practiceChart(group: Group): Promise<string> {
  const shown = group.summaries.filter((s) => !s.method.oracle);
  const bound = group.summaries.filter((s) => s.method.name === "combined-oracle");
  const color = colourScale(shown.map((s) => s.method));
  const values = shown.flatMap((s) => pointsOf(s, window(group)));
  return await draw({
    data: { values },
    layer: [
      target(group),
      {
        data: { values: bound.flatMap((s) => pointsOf(s, window(group))) },
        mark: { type: "line", color: "#20252c", strokeDash: [4, 3], strokeWidth: 1 },
        encoding: { x: stepAxis, y: riskAxis("risk") },
      },
      {
        mark: { type: "area", opacity: 0.12 },
        encoding: { x: stepAxis, y: riskAxis("low"), y2: { field: "high" }, color },
      },
      {
        mark: { type: "line", strokeWidth: 1.6 },
        encoding: {
          x: stepAxis,
          y: riskAxis("risk"),
          color,
          strokeDash: dashes(shown),
        },
      },
    ],
  }, `${group.problem.title}: measured risk over steps of each usable method`);
}

/** TH⁻¹ is often the same curve as H⁻¹T: dashed, both can be seen. */
export function dashes(shown: readonly Summary[]): Record<string, unknown> {
  const titles = shown.map((s) => s.method.title);
  const range = shown.map((s) => s.method.name === "combined-th" ? [3, 3] : [1, 0]);
  return { field: "method", type: "nominal", legend: null, scale: { domain: titles, range } };
}
