import { color, mix, paint, rgb, sharp } from "./colors.ts";
import { gridSide } from "./grid.ts";
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
  const { context, width, height } = sharp(canvas);
  context.imageSmoothingQuality = "high";
  context.drawImage(field, 0, 0, width, height);
  const fills = [color("zero"), color("one")];
  context.strokeStyle = color("surface");
  context.lineWidth = 1;
  for (let i = 0; i < labels.length; i++) {
    context.beginPath();
    const [x, y] = [xy[2 * i]!, xy[2 * i + 1]!];
    context.arc((x + 1) / 2 * width, (1 - y) / 2 * height, Math.max(2.5, width / 130), 0, 7);
    context.fillStyle = fills[labels[i]!]!;
    context.fill();
    context.stroke();
  }
}
