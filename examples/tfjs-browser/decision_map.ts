import { color, mix, paint, rgb, sharp } from "./colors.ts";
import { gridSide } from "./grid.ts";
import { drawPoints } from "./points.ts";
import type { Points } from "./spirals.ts";

const field = new OffscreenCanvas(gridSide, gridSide);

/** Draws what the network says of the plane, with the training points on it. */
export function drawDecisions(
  canvas: HTMLCanvasElement,
  probabilities: Float32Array,
  { xy, labels }: Points,
): void {
  const [zero, even, one] = [rgb("zero"), rgb("even"), rgb("one")];
  paint(field as unknown as HTMLCanvasElement, [gridSide, gridSide], (x, y) => {
    const p = 2 * probabilities[y * gridSide + x]! - 1;
    return mix(even, p < 0 ? zero : one, 0.62 * Math.abs(p));
  });
  const sheet = sharp(canvas);
  sheet.context.imageSmoothingQuality = "high";
  sheet.context.drawImage(field, 0, 0, sheet.width, sheet.height);
  const fills = [color("zero"), color("one")];
  drawPoints(sheet, { xy, labels }, { fills, radius: Math.max(2.5, sheet.width / 130) });
}
