import { paint, ramp } from "../../examples/tfjs-browser/colors.ts";
import type { LayerMap } from "../training/maps.ts";
import { layerNames } from "../training/lineup.ts";

const kinds = ["signal", "curvature"] as const;
type Kind = typeof kinds[number];

/** T below this cannot be told from none, and curvature is drawn over this range. */
const least: Readonly<Record<Kind, number>> = { signal: 0.01, curvature: 0.0001 };
const titles: Readonly<Record<Kind, string>> = { signal: "Signal T", curvature: "Curvature" };

const rampOf = (kind: Kind) =>
  ramp(kind === "signal" ? ["noise", "between", "signal"] : ["flat", "bent", "sharp"]);

/** Makes the canvases: a column for T, one for the curvature, and a row for each layer. */
export function offerMaps(container: HTMLElement): void {
  const scales = kinds.map((kind) => {
    const ends = kind === "signal"
      ? ["0.01, noise", "1, signal"]
      : ["flat", "sharp: the most here"];
    return `<div><strong>${titles[kind]}</strong><canvas class="ramp" data-ramp="${kind}"
      role="img" aria-label="Colours of ${titles[kind]}"></canvas>
      <div class="ends"><span>${ends[0]}</span><span>${ends[1]}</span></div></div>`;
  });
  const figures = layerNames.flatMap((layer) =>
    kinds.map((kind) =>
      `<figure><figcaption data-caption="${layer}-${kind}">${layer}</figcaption><canvas
        data-map="${layer}-${kind}" role="img"></canvas></figure>`
    )
  );
  container.innerHTML = [...scales, ...figures].join("");
}

/** Draws the scales of the colours. */
export function drawRamps(container: HTMLElement): void {
  for (const kind of kinds) {
    const canvas = container.querySelector<HTMLCanvasElement>(`[data-ramp=${kind}]`)!;
    const colorOf = rampOf(kind);
    paint(canvas, [128, 1], (x) => colorOf(x / 127));
  }
}

/** A number for people: two digits, and none behind the point of a large one. */
const rounded = (value: number) => value.toLocaleString("en", { maximumSignificantDigits: 2 });
const median = (values: Float32Array) => values.toSorted()[values.length >> 1]!;

/** Draws every layer's maps, and says how much the weights differ. */
export function drawMaps(container: HTMLElement, layers: readonly LayerMap[]): void {
  // One scale for all layers, so that they compare.
  const most = Math.max(1e-12, ...layers.map(({ curvature }) => Math.max(...curvature)));
  for (const layer of layers) {
    for (const kind of kinds) {
      const values = layer[kind], top = kind === "signal" ? 1 : most;
      const columns = layer.outputs, rows = values.length / columns;
      const key = `${layer.name}-${kind}`;
      const canvas = container.querySelector<HTMLCanvasElement>(`[data-map=${key}]`)!;
      const colorOf = rampOf(kind);
      paint(canvas, [columns, rows], (x, y) => {
        const value = Math.max(values[y * columns + x]! / top, least[kind]);
        return colorOf(1 - Math.log(value) / Math.log(least[kind]));
      });
      const half = median(values);
      const text = kind === "signal"
        ? `half of the weights have T below ${rounded(half)}`
        : `the sharpest weight has ${
          rounded(Math.max(...values) / half)
        } times the median curvature`;
      container.querySelector(`[data-caption=${key}]`)!.textContent =
        `${layer.name}, ${rows} × ${columns}: ${text}`;
      canvas.ariaLabel = `${titles[kind]} of the ${layer.name} layer; ${text}`;
    }
  }
}
