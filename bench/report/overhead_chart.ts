/** @module */
import { number } from "../format.ts";
import type { TimedRow } from "../overhead/rows.ts";
import { draw, labelLimit, tip } from "./chart.ts";

const shades: Readonly<Record<string, string>> = {
  "tf.train.adam": "var(--soft)",
  "sgd momentum": "var(--m-momentum)",
  adam: "var(--m-adam)",
  snrOnly: "var(--m-snrOnly)",
  combined: "var(--m-combined-ht)",
};

/** The rows that are shown: a million parameters in one variable, beside tf.train.adam. */
export function shownOverhead(rows: readonly TimedRow[]): TimedRow[] {
  return rows.filter(({ parameters, variables, baseline }) =>
    parameters === 1e6 && variables === 1 && baseline === "tf.train.adam"
  );
}

/** Milliseconds of an update alone on one backend, the host's Adam on top. */
export async function overheadChart(rows: readonly TimedRow[], place: string): Promise<string> {
  const values = [
    { method: "tf.train.adam", ms: rows[0]!.baseline_ms, tip: "" },
    ...rows.map(({ method, ours_ms: ms }) => ({ method, ms, tip: "" })),
  ].map((bar) => ({ ...bar, tip: `${bar.method}: ${number(bar.ms)} ms an update` }));
  const methods = values.map(({ method }) => method);
  const y = {
    field: "method",
    type: "nominal",
    sort: methods,
    axis: { title: null, labelLimit, grid: false },
  };
  const x = {
    field: "ms",
    type: "quantitative",
    // Room for the numbers behind the bars.
    scale: { domain: [0, 1.25 * Math.max(...values.map(({ ms }) => ms))], nice: false },
    axis: { title: "milliseconds an update", tickCount: 4 },
  };
  return await draw({
    height: 50 + 24 * values.length,
    data: { values: values.map((bar) => ({ ...bar, text: number(bar.ms) })) },
    layer: [
      {
        mark: { type: "bar", height: 14 },
        encoding: {
          y,
          x,
          description: tip,
          color: {
            field: "method",
            legend: null,
            scale: {
              domain: methods,
              range: methods.map((name) => shades[name] ?? "var(--soft)"),
            },
          },
        },
      },
      {
        mark: { type: "text", align: "left", dx: 4, fontSize: 12, color: "var(--ink)" },
        encoding: { y, x, text: { field: "text" } },
      },
    ],
  }, `${place}: milliseconds of an update of a million parameters`);
}
