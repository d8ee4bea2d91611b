import { color, type sharp } from "./colors.ts";

/** Draws points of [−1, 1]², each in the colour of its label. */
export function drawPoints(
  { context, width, height }: ReturnType<typeof sharp>,
  { xy, labels }: { readonly xy: Float32Array; readonly labels: ArrayLike<number> },
  { fills, radius }: { readonly fills: readonly string[]; readonly radius: number },
): void {
  context.strokeStyle = color("surface");
  context.lineWidth = 1;
  for (let i = 0; i < labels.length; i++) {
    context.beginPath();
    const [x, y] = [xy[2 * i]!, xy[2 * i + 1]!];
    context.arc((x + 1) / 2 * width, (1 - y) / 2 * height, radius, 0, 7);
    context.fillStyle = fills[labels[i]!]!;
    context.fill();
    context.stroke();
  }
}
