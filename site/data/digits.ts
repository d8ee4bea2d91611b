import { type Examples, mislabel, type Task, type TaskOptions } from "./examples.ts";
import { makeRandom } from "./random.ts";

/** Ten digits of 3 × 5 pixels, from the top. */
const glyphs = [
  "111101101101111",
  "010110010010111",
  "111001111100111",
  "111001111001111",
  "101101111001001",
  "111100111001111",
  "111100111101111",
  "111001010010010",
  "111101111101111",
  "111101111001111",
];
/** Pixels of an image along each side. */
export const imageSide = 8;

/** Images of digits, moved about by a few pixels, in the noise of a bad camera. */
function makeImages(count: number, seed: number, useless: number): Examples {
  const { normal, below, uniform } = makeRandom(seed);
  const pixels = imageSide ** 2, width = pixels + useless;
  const inputs = new Float32Array(count * width), labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const digit = i % 10, left = 1 + below(4), top = 1 + below(2), ink = 1 + uniform();
    labels[i] = digit;
    for (let k = 0; k < width; k++) {
      const [x, y] = [k % imageSide - left, Math.floor(k / imageSide) - top];
      const inked = k < pixels && x >= 0 && x < 3 && y >= 0 && y < 5 &&
        glyphs[digit]![3 * y + x] === "1";
      inputs[i * width + k] = (inked ? 2 * ink : 0) - (k < pixels ? 0.5 : 0) + 0.6 * normal();
    }
  }
  return { inputs, labels };
}

/** A task of ten classes; the squeeze has no meaning here. */
export function digitsTask({ seed, count, labelNoise, useless }: TaskOptions): Task {
  const [train, validation, test] = [count, Math.min(count, 500), 500].map((n, k) => {
    const made = makeImages(n, 3 * seed + k, useless);
    if (k === 2) return made;
    const { uniform } = makeRandom(seed + 60 + k);
    return {
      ...made,
      labels: mislabel(made.labels, { classes: 10, fraction: labelNoise, uniform }),
    };
  }) as [Examples, Examples, Examples];
  return { width: imageSide ** 2 + useless, classes: 10, train, validation, test };
}
