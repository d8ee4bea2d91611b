/** @module */
import * as vega from "vega";
import { compile, type Config, type TopLevelSpec } from "vega-lite";
import type { Method } from "../methods.ts";
import { colourOf, dashOf } from "./palette.ts";

/** How Vega measures text where there is no canvas; its types leave it out. */
interface TextMetrics {
  width(item: TextItem, text: string): number;
}

interface TextItem {
  readonly text: string;
  readonly fontSize?: number;
  readonly limit?: number;
}

const { textMetrics } = vega as unknown as { textMetrics: TextMetrics };

// Its estimate is .8 em a character, where a wide sans serif has .63: labels would be cut short.
textMetrics.width = (item, text) => {
  const width = 0.63 * String(text ?? "").length * (item.fontSize ?? 11);
  return text === item.text && item.limit ? Math.min(width, item.limit) : width;
};

/** The widest label beside a bar, in pixels: 20 characters. */
export const labelLimit = 150;

/** The width of every chart: it fits a phone of 360 px, so that its text keeps its size there. */
export const chartWidth = 316;

const config: Config = {
  background: "transparent",
  font: "system-ui, sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: "var(--soft)",
    titleColor: "var(--soft)",
    titleFontWeight: "normal",
    gridColor: "var(--line)",
    domainColor: "var(--edge)",
    tickColor: "var(--edge)",
    labelFontSize: 12,
    titleFontSize: 12,
    labelOverlap: "greedy",
    labelSeparation: 6,
  },
  // The page draws the legend, and says what a mark is.
  aria: true,
};

/** A channel by method, whose legend is the page's own. */
function byMethod(methods: readonly Method[], range: readonly unknown[]): Record<string, unknown> {
  const domain = methods.map((m) => m.title);
  return { field: "method", type: "nominal", legend: null, scale: { domain, range } };
}

/** A scale of the methods that occur, in their colours. */
export function colourScale(methods: readonly Method[]): Record<string, unknown> {
  return byMethod(methods, methods.map(colourOf));
}

/** A scale of the methods that occur, in their dashes. */
export function dashScale(methods: readonly Method[]): Record<string, unknown> {
  return byMethod(methods, methods.map(dashOf));
}

/** What a mark says of itself: the field of the data that has it, beginning with the method's title. */
export const tip = { field: "tip" } as const;

/**
 * What Vega says of marks for screen readers becomes what the page shows of them: without it the file
 * would double.
 */
export function slim(svg: string): string {
  return svg
    .replace(/ xmlns:xlink="[^"]*"/g, "")
    .replace(/ (?:role="graphics-[a-z]+"|aria-roledescription="[^"]*"|aria-hidden="[^"]*")/g, "")
    .replace(/ (?:class="[^"]*"|pointer-events="[^"]*"|stroke-miterlimit="[^"]*")/g, "")
    .replace(/<g[^>]*aria-label="[^"]*"/g, (g) => g.replace(/ aria-label="[^"]*"/, ""))
    .replaceAll(" aria-label=", " data-tip=")
    // Labels without room, and what has nothing to draw.
    .replace(/<text[^>]*opacity="0"[^>]*>[^<]*<\/text>/g, "")
    .replace(/<path d="[^"]*"(?: display="none")?\/>/g, "")
    .replace(/ (?:font-family="[^"]*"|font-size="12px"|font-weight="normal"|opacity="1")/g, "")
    .replace(/ transform="translate\(0,0\)"/g, "")
    // Tenths of a pixel are enough.
    .replace(
      / (?:d|transform|x2|y2)="[^"]*"/g,
      (geometry) =>
        geometry.replace(
          /-?\d+\.\d{2,}/g,
          (digits) => String(Math.round(Number(digits) * 10) / 10),
        ),
    );
}

/** Draws a Vega-Lite specification as an inline SVG with a name for those who do not see it. */
export async function draw(spec: Record<string, unknown>, label: string): Promise<string> {
  const full = {
    width: chartWidth,
    height: 230,
    autosize: { type: "fit", contains: "padding" },
    padding: { left: 2, top: 4, right: 11, bottom: 2 },
    ...spec,
    config,
  } as unknown as TopLevelSpec;
  const view = new vega.View(vega.parse(compile(full).spec), { renderer: "none" });
  try {
    const svg = slim(await view.toSVG());
    return svg.replace("<svg ", `<svg role="img" aria-label="${label.replaceAll('"', "'")}" `);
  } finally {
    view.finalize();
  }
}
