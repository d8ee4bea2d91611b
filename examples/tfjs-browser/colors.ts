/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** The page's colours, as colors.css has them for light and dark. */
export function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** The same as numbers; the colours that are mixed are written as #rrggbb. */
export function rgb(name: string): Rgb {
  const value = parseInt(color(name).slice(1), 16);
  return [value >> 16, value >> 8 & 255, value & 255];
}

/** From `a` to `b` as t goes from 0 to 1. */
export function mix(a: Rgb, b: Rgb, t: number): Rgb {
  return [0, 1, 2].map((k) => Math.round(a[k]! + (b[k]! - a[k]!) * t)) as unknown as Rgb;
}

/** A scale from `low` over `middle` to `high` as its part goes from 0 to 1. */
export function ramp(
  names: readonly [low: string, middle: string, high: string],
): (part: number) => Rgb {
  const [low, middle, high] = names.map(rgb) as [Rgb, Rgb, Rgb];
  return (part) => part < 0.5 ? mix(low, middle, 2 * part) : mix(middle, high, 2 * part - 1);
}

/** Fills a canvas of one pixel an element; undefined elements stay empty. */
export function paint(
  canvas: HTMLCanvasElement,
  [width, height]: readonly [number, number],
  at: (x: number, y: number) => Rgb | undefined,
): void {
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const found = at(x, y);
      if (found) image.data.set([...found, 255], 4 * (y * width + x));
    }
  }
  canvas.getContext("2d")!.putImageData(image, 0, 0);
}

/** A canvas's context in CSS pixels, sharp on every screen, and its size; cleared. */
export function sharp(
  canvas: HTMLCanvasElement,
): { context: CanvasRenderingContext2D; width: number; height: number } {
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  const context = canvas.getContext("2d")!;
  context.scale(devicePixelRatio, devicePixelRatio);
  return { context, width, height };
}
