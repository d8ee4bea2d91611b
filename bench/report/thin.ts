/** @module */

/** Points of a curve in a chart of 250 pixels: more are not seen, and make the file large. */
export const curvePoints = 40;

/** Positions of at most `most` of `count` points, the first and the last among them. */
export function thinned(count: number, most: number = curvePoints): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  const positions = Array.from(
    { length: most },
    (_, i) => Math.round(i * (count - 1) / (most - 1)),
  );
  return [...new Set(positions)];
}

/** As {@linkcode thinned}, evenly on a logarithmic axis of steps. */
export function thinnedLogarithmically(
  steps: readonly number[],
  most: number = curvePoints,
): number[] {
  const positive = steps.flatMap((step, i) => step > 0 ? [i] : []);
  if (positive.length <= most) return positive;
  const [first, last] = [steps[positive[0]!]!, steps.at(-1)!];
  const aims = thinned(most).map((k) => first * (last / first) ** (k / (most - 1)));
  let at = 0;
  const chosen = aims.map((aim) => {
    while (at < positive.length - 1 && steps[positive[at]!]! < aim * (1 - 1e-9)) at++;
    return positive[at]!;
  });
  return [...new Set(chosen)];
}
