/** @module */
import type { Problem, Selection, Target } from "./problems/problem.ts";
import type { Sensitivity } from "./rows.ts";
import type { Interval } from "./statistics.ts";

/** Three digits; "–" for what was not reached or not measured. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return "∞";
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 100) return String(Math.round(value));
  if (size >= 1e-3) return String(Number(value.toPrecision(3)));
  return value.toExponential(1);
}

/** "35 [34–37]", or just "35" if there is nothing to it. */
export function interval(value: Interval | undefined): string {
  if (!value) return "–";
  const { middle, low, high } = value;
  const middleText = number(middle);
  return number(low) === middleText && number(high) === middleText
    ? middleText
    : `${middleText} [${number(low)}–${number(high)}]`;
}

/** "0.8× [0.6–1.1]": a ratio; where it is beyond measure, who gets there. */
export function ratio({ middle, low, high }: Interval): string {
  const text = (value: number) =>
    value === Infinity ? "∞" : String(Number(value.toPrecision(value >= 1 && value < 10 ? 2 : 1)));
  if (middle === Infinity) return "only the other gets there";
  if (middle === 0) return "only it gets there";
  return `${text(middle)}×${low === high ? "" : ` [${text(low)}–${text(high)}]`}`;
}

/** "−0.07 [−0.09 to −0.05]": a difference. */
export function difference({ middle, low, high }: Interval): string {
  const text = (value: number) => {
    const size = Number.isFinite(value) ? String(Number(Math.abs(value).toPrecision(2))) : "∞";
    return `${value < 0 ? "−" : "+"}${size}`;
  };
  return low === high ? text(middle) : `${text(middle)} [${text(low)} to ${text(high)}]`;
}

/** "0.05 ▲": the rate, marked if it is the largest (▲) or smallest (▼) tried. */
export function rate(learningRate: number | undefined, edge: Sensitivity["edge"]): string {
  return number(learningRate) + (edge === "high" ? " ▲" : edge === "low" ? " ▼" : "");
}

/** "8.0×", or "≥ 8.0×" if the range ran into the end of the grid. */
export function factor(range: number | null | undefined, open: boolean): string {
  if (range === null || range === undefined) return "–";
  return `${open ? "≥ " : ""}${range.toFixed(1)}×`;
}

/** What a target is a loss of, for people. */
export const targetTitle: Readonly<Record<Target["metric"], string>> = {
  trainLoss: "training loss",
  validationLoss: "loss on validation data",
  testLoss: "test loss",
};

/** "training loss ≤ 0.3": what a problem's target is, for people. */
export function targetOf({ kind, target: { metric, value } }: Problem): string {
  return `${kind === "theory" ? "risk" : targetTitle[metric]} ≤ ${number(value)}`;
}

/** What a learning rate was chosen by, for people. */
export const selectionTitle: Readonly<Record<Selection, string>> = {
  stepsToTarget: "tuned for steps to target",
  finalTrainLoss: "tuned for final training loss",
  bestValidation: "tuned for the best moment on validation data",
  finalValidation: "tuned for the end on validation data",
};

/** A table in Markdown, not yet set as `deno fmt` does. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "-")), ...rows.map(line)].join("\n");
}
