/** @module */
import { number } from "../format.ts";
import type { Method } from "../methods.ts";
import type { Signal } from "../problems/signal.ts";
import type { SignalColumns } from "../rows.ts";
import type { Group } from "../summary.ts";
import { draw, tip } from "./chart.ts";
import { groupTitle } from "./material.ts";

interface Seen {
  readonly method: Method;
  readonly signal: SignalColumns;
}

/** What was recorded: one run a method. */
function seenIn({ summaries }: Group): Seen[] {
  return summaries.flatMap(({ method, rows }) => {
    const signal = rows.find(({ curve }) => curve.signal)?.curve.signal;
    return signal && !method.oracle ? [{ method, signal }] : [];
  });
}

/** Whether T of the layers was recorded for any method. */
export function hasSignal(group: Group): boolean {
  return seenIn(group).length > 0;
}

/** "kernel0" is of the first layer. */
const layerTitle = (name: string) => name.replace(/^kernel/, "layer ");

/** A cell of the map for each layer and moment. */
function cellsOf({ method, signal: { step, layers } }: Seen) {
  return Object.entries(layers).flatMap(([layer, columns]) =>
    step.flatMap((at, i) => {
      const [fraction, p10, p50, p90] =
        (["fraction", "p10", "p50", "p90"] satisfies (keyof Signal)[])
          .map((key) => columns[key][i]);
      // What was not a number is null in a file.
      if (fraction == null || p90 == null) return [];
      return [{
        method: method.title,
        layer: layerTitle(layer),
        // From one look to the next.
        from: step[i - 1] ?? 0,
        step: at,
        // A logarithmic scale has no 0.
        value: Math.max(p90, least),
        tip: `${method.title}: ${layerTitle(layer)} after ${at} steps: T ${number(fraction)}; ` +
          `of single weights a tenth has less than ${number(p10)}, half less than ${
            number(p50)
          }, ` +
          `a tenth more than ${number(p90)}`,
      }];
    })
  );
}

/** Colours end here. */
const least = 0.005;

/** The height of a layer's band. */
const band = 15;

/** T of each layer over steps, a map for each method: bright where some of its weights see signal. */
export async function signalChart(group: Group): Promise<string> {
  const seen = seenIn(group);
  const rows = seen.map(({ signal }) => Object.keys(signal.layers).length);
  const x = (field: string, last: boolean) => ({
    field,
    type: "quantitative",
    scale: { nice: false },
    axis: last ? { title: "steps", tickCount: 5, grid: false } : null,
  });
  const map = (one: Seen, i: number) => ({
    height: band * rows[i]!,
    width: 200,
    data: { values: cellsOf(one) },
    title: {
      text: one.method.title,
      anchor: "start",
      fontSize: 12,
      color: "var(--ink)",
      offset: 3,
    },
    mark: { type: "rect", strokeWidth: 0 },
    encoding: {
      x: x("from", i === seen.length - 1),
      x2: { field: "step" },
      y: { field: "layer", type: "nominal", sort: null, axis: { title: null, grid: false } },
      color: {
        field: "value",
        type: "quantitative",
        scale: { type: "log", domain: [least, 1], clamp: true, scheme: "viridis" },
        legend: {
          title: "T",
          orient: "top",
          direction: "horizontal",
          gradientLength: 180,
          values: [0.005, 0.03, 0.2, 1],
          format: "~r",
          labelColor: "var(--soft)",
          titleColor: "var(--soft)",
          labelFontSize: 12,
          titleFontSize: 12,
        },
      },
      description: tip,
    },
  });
  return await draw({
    vconcat: seen.map(map),
    resolve: { scale: { color: "shared" }, legend: { color: "shared" } },
    spacing: 8,
    width: undefined,
    height: undefined,
    autosize: undefined,
  }, `${groupTitle(group)}: T of each layer over steps`);
}
