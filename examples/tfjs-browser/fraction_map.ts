import { paint, ramp, type Rgb } from "./colors.ts";
import type { LayerFractions } from "./trainer.ts";

/** The least T that can be told from none, a hundredth: the memory is 100 steps. */
const least = 0.01;

/** Colour of a T, on a logarithmic scale. */
function fractionRamp(): (fraction: number) => Rgb {
  const colorOf = ramp(["noise", "between", "signal"]);
  return (fraction) => colorOf(1 - Math.log(Math.max(fraction, least)) / Math.log(least));
}

/** The layer's T's: one pixel an element, the biases in a row of their own below a gap. */
function drawLayer(canvas: HTMLCanvasElement, { kernel, bias }: LayerFractions): void {
  const outputs = bias.length, inputs = kernel.length / outputs;
  // The output layer's row of weights lies flat, so that all maps are as wide as a hidden layer.
  const [columns, rows] = outputs === 1 ? [inputs, 1] : [outputs, inputs];
  const colorOf = fractionRamp();
  paint(canvas, [columns, rows + 2], (x, y) => {
    if (y < rows) return colorOf(kernel[y * columns + x]!);
    return y > rows && x < outputs ? colorOf(bias[x]!) : undefined;
  });
  canvas.style.height = `${11 * (rows + 2)}px`; // flat pixels: as tall as the decision map
}

/** Draws the T of every layer and writes that of the whole layer into the caption. */
export function drawFractions(container: HTMLElement, layers: readonly LayerFractions[]): void {
  for (const layer of layers) {
    const figure = container.querySelector(`[data-layer=${layer.name}]`)!;
    const canvas = figure.querySelector("canvas")!;
    drawLayer(canvas, layer);
    if (layer.whole === undefined) continue;
    figure.querySelector("output")!.textContent = `T ${layer.whole.toFixed(3)}`;
    canvas.ariaLabel = `T of the ${layer.name} layer, ${layer.whole.toFixed(3)} as a whole`;
  }
}

/** Draws the scale of the colours, from a hundredth to 1. */
export function drawScale(canvas: HTMLCanvasElement): void {
  const colorOf = fractionRamp();
  paint(canvas, [128, 1], (x) => colorOf(least ** (1 - x / 127)));
}
