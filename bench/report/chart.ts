/** @module */
import { parse, View } from "vega";
import { compile, type Config, type TopLevelSpec } from "vega-lite";
import type { Method } from "../methods.ts";

/** A colour for each method: greys and blue without preconditioner, one hue for each purpose. */
const colours: Readonly<Record<string, string>> = {
  sgd: "#9aa1ab",
  momentum: "#5d6673",
  adam: "#2f6fde",
  "precond-adam": "#86b3ff",
  curvature: "#e08a00",
  snr: "#1a9c6b",
  "rms-snr": "#6cc79f",
  "rms-snr-half": "#0b5f45",
  "combined-ht": "#c0267e",
  "combined-th": "#ee8cc0",
  "combined-eigen": "#7a1f9c",
  "adam-oracle": "#2f6fde",
  "snr-oracle": "#1a9c6b",
  "combined-oracle": "#c0267e",
};

/** The method's colour in every chart. */
export function colourOf({ name }: Method): string {
  return colours[name] ?? "#333333";
}

const config: Config = {
  background: "transparent",
  font: "system-ui, sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: "#5d6673",
    titleColor: "#3a414b",
    titleFontWeight: "normal",
    gridColor: "#e9ecf0",
    domainColor: "#c8ced6",
    tickColor: "#c8ced6",
    labelFontSize: 10,
    titleFontSize: 11,
  },
};

/** A scale of the methods that occur, in their colours; legends are the page's own. */
export function colourScale(methods: readonly Method[]): Record<string, unknown> {
  return {
    field: "method",
    type: "nominal",
    legend: null,
    scale: { domain: methods.map((m) => m.title), range: methods.map(colourOf) },
  };
}

/** Draws a Vega-Lite specification as an inline SVG. */
export async function draw(spec: Record<string, unknown>, label: string): Promise<string> {
  const full = { width: 330, height: 210, ...spec, config } as unknown as TopLevelSpec;
  const view = new View(parse(compile(full).spec), { renderer: "none" });
  try {
    const svg = await view.toSVG();
    // Nothing in here links to anything.
    const plain = svg.replace(/ xmlns:xlink="[^"]*"/, "");
    // The page scales it; the text says what it is to those who cannot see it.
    return plain.replace("<svg ", `<svg role="img" aria-label="${label.replaceAll('"', "'")}" `);
  } finally {
    view.finalize();
  }
}
