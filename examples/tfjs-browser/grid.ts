/** Points of the decision map along each side. */
export const gridSide = 72;

/** x and y of `side`² points over [−1, 1]², row after row from the top. */
export function makeGrid(side: number = gridSide): Float32Array<ArrayBuffer> {
  const at = (k: number) => (2 * k + 1) / side - 1;
  return Float32Array.from(
    { length: 2 * side ** 2 },
    (_, k) => k % 2 === 0 ? at((k >> 1) % side) : -at(Math.floor((k >> 1) / side)),
  );
}
