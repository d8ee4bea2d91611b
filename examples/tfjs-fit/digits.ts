/**
 * Images like MNIST's, made in code: digits of a 5×7 font, scaled, shifted and blurred on 14×14
 * pixels, with noise.
 */
import * as tf from "@tensorflow/tfjs-core";

/** Width and height of an image. */
export const side = 14;

/** Rows from the top; the lowest five bits of each are its pixels. */
const font: readonly (readonly number[])[] = [
  [14, 17, 19, 21, 25, 17, 14],
  [4, 12, 4, 4, 4, 4, 14],
  [14, 17, 1, 2, 4, 8, 31],
  [31, 2, 4, 2, 1, 17, 14],
  [2, 6, 10, 18, 31, 2, 2],
  [31, 16, 30, 1, 1, 17, 14],
  [6, 8, 16, 30, 17, 17, 14],
  [31, 1, 2, 4, 8, 8, 8],
  [14, 17, 17, 14, 17, 17, 14],
  [14, 17, 17, 15, 1, 2, 12],
];

/** Whether a digit has ink there; x and y count the font's pixels. */
function ink(digit: number, x: number, y: number): number {
  const row = font[digit]![Math.floor(y)] ?? 0;
  return x >= 0 && x < 5 ? row >> (4 - Math.floor(x)) & 1 : 0;
}

export interface Digits {
  /** [size, side, side, 1] */
  readonly images: tf.Tensor4D;
  /** One-hot, [size, 10]. */
  readonly labels: tf.Tensor2D;
}

/** `flipped` is the fraction of labels that are drawn at random. */
export function makeDigits(
  size: number,
  { seed, flipped = 0 }: { seed: number; flipped?: number },
): Digits {
  let state = seed;
  const uniform = (low = 0, high = 1) =>
    low + (high - low) * ((state = (state * 48271) % 2147483647) / 2147483647);
  const pixels = new Float32Array(size * side * side);
  const classes = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    const digit = Math.floor(uniform(0, 10));
    const [width, height] = [uniform(1.6, 2), uniform(1.5, 1.8)]; // of a pixel of the font
    const [left, top] = [uniform(0, side - 5 * width), uniform(0, side - 7 * height)];
    const [slant, contrast] = [uniform(-0.15, 0.15), uniform(0.6, 1)];
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        let sum = 0;
        for (const [dx, dy] of [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]] as const) {
          const y = row + dy - top;
          sum += ink(digit, (column + dx - left + slant * (y - 3.5 * height)) / width, y / height);
        }
        const noise = uniform(-0.4, 0.4);
        pixels[(i * side + row) * side + column] = contrast * sum / 4 + noise;
      }
    }
    classes[i] = uniform() < flipped ? Math.floor(uniform(0, 10)) : digit;
  }
  const labels = tf.tidy(() =>
    tf.cast(tf.oneHot(tf.tensor1d(classes, "int32"), 10) as tf.Tensor2D, "float32")
  );
  return {
    labels,
    images: tf.tensor4d(pixels, [size, side, side, 1]),
  };
}
