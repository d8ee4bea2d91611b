/** @module */
import { markdownTable } from "../format.ts";
import { median } from "../statistics.ts";
import type { FineTuning } from "./tune.ts";

const labels: Readonly<Record<string, string>> = {
  adamW: "`adamW()`",
  snrOnly: "`snrOnly()`",
  combined: "`combined()`",
};

/** The default rate is marked; losses are medians over the seeds. */
export function fineTuningTable(rows: readonly FineTuning[]): string {
  const digits = (x: number) => Number.isFinite(x) ? x.toFixed(2) : "diverged";
  const kinds = [
    ...new Set(rows.map(({ optimizer, learningRate }) => `${optimizer} ${learningRate}`)),
  ];
  const before = rows.map(({ firstLoss }) => firstLoss);
  const guide = rows.map(({ firstGuideLoss }) => firstGuideLoss);
  const lines = kinds.map((kind) => {
    const runs = rows.filter((row) => `${row.optimizer} ${row.learningRate}` === kind);
    const { optimizer, learningRate, share } = runs[0]!;
    const of = (key: "lastLoss" | "lastGuideLoss") =>
      digits(median(runs.map((row) => row[key] ?? Infinity)));
    const rate = share === 1 ? `${learningRate}, the default` : String(learningRate);
    return [labels[optimizer]!, rate, of("lastLoss"), of("lastGuideLoss")];
  });
  return markdownTable(["", "learning rate", "loss on new notes", "loss on the first text"], [
    ["before fine-tuning", "", digits(median(before)), digits(median(guide))],
    ...lines,
  ]);
}
