/** Points of the map of decisions along each side. */
export const gridSide = 48;

/** x and y of the map's points over [−1, 1]², row after row from the top. */
export function makeGrid(): Float32Array<ArrayBuffer> {
  const at = (k: number) => (2 * k + 1) / gridSide - 1;
  return Float32Array.from(
    { length: 2 * gridSide ** 2 },
    (_, k) => k % 2 === 0 ? at((k >> 1) % gridSide) : -at(Math.floor((k >> 1) / gridSide)),
  );
}
