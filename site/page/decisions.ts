import { color, mix, paint, type Rgb, rgb, sharp } from "../../examples/tfjs-browser/colors.ts";
import { drawPoints } from "../../examples/tfjs-browser/points.ts";
import { imageSide } from "../data/digits.ts";
import type { Examples } from "../data/examples.ts";
import { gridSide, type LabelledPoints } from "../data/plane.ts";

const field = document.createElement("canvas");

/** The colours of so many classes. */
export function classColors(classes: number): string[] {
  return Array.from({ length: classes }, (_, k) => color(`class-${k}`));
}

/** Draws what a network says of the plane, with training points on it. */
export function drawDecisions(
  canvas: HTMLCanvasElement,
  probabilities: Float32Array,
  { xy, labels, classes }: LabelledPoints & { readonly classes: number },
): void {
  const even = rgb("even");
  const colors = Array.from({ length: classes }, (_, k): Rgb => rgb(`class-${k}`));
  paint(field, [gridSide, gridSide], (x, y) => {
    const at = (y * gridSide + x) * classes;
    let most = 0;
    for (let k = 1; k < classes; k++) {
      if (probabilities[at + k]! > probabilities[at + most]!) most = k;
    }
    const sure = (probabilities[at + most]! * classes - 1) / (classes - 1);
    return mix(even, colors[most]!, 0.62 * sure);
  });
  const sheet = sharp(canvas);
  sheet.context.imageSmoothingQuality = "high";
  sheet.context.drawImage(field, 0, 0, sheet.width, sheet.height);
  // More would hide the map.
  const shown = Math.min(labels.length, 300);
  const points = { xy: xy.subarray(0, 2 * shown), labels: labels.subarray(0, shown) };
  drawPoints(sheet, points, {
    fills: classColors(classes),
    radius: Math.max(2, sheet.width / 110),
  });
}

/** Draws the first images of a set, side by side. */
export function drawImages(
  canvas: HTMLCanvasElement,
  { inputs, labels }: Examples,
  count: number,
): void {
  const width = inputs.length / labels.length;
  const [low, high] = [rgb("surface"), rgb("text")];
  paint(canvas, [count * (imageSide + 1) - 1, imageSide], (x, y) => {
    const [image, column] = [Math.floor(x / (imageSide + 1)), x % (imageSide + 1)];
    if (column === imageSide) return undefined;
    const value = inputs[image * width + y * imageSide + column]!;
    return mix(low, high, Math.min(1, Math.max(0, (value + 1) / 4)));
  });
}
