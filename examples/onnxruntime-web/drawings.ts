/** Drawings of 16 × 16 pixels: as most people make them, or as one does who has ways of their own. */

import type { Feed } from "@precond/onnxruntime";

export const side = 16;
export const kinds = ["circle", "triangle", "cross"] as const;
/** "own": triangles stand on their tip, crosses are upright, circles are small and open. */
export type Hand = "standard" | "own";

/** A drawing and which of {@linkcode kinds} it is. */
export interface Drawing {
  readonly pixels: Float32Array;
  readonly kind: number;
}

let state = 1;
/** A small reproducible source of numbers (an LCG's high bits are good enough here). */
export const uniform = (): number => (state = (state * 48271) % 2147483647) / 2147483647;

type Point = readonly [x: number, y: number];

/** Corners on a circle around the middle, from `start` on, in turns. */
const corners = (count: number, start: number, turns = 1): Point[] =>
  Array.from({ length: count + 1 }, (_, k) => {
    const angle = 2 * Math.PI * (start + turns * k / count);
    return [Math.cos(angle), Math.sin(angle)];
  });

const lines: Readonly<Record<Hand, readonly (readonly Point[])[][]>> = {
  standard: [
    [corners(24, 0)],
    [corners(3, -0.25)],
    [[[-0.7, -0.7], [0.7, 0.7]], [[-0.7, 0.7], [0.7, -0.7]]],
  ],
  own: [
    [corners(24, 0.1, 0.75).map(([x, y]) => [0.6 * x, 0.6 * y])],
    [corners(3, 0.25)],
    [[[-0.9, 0], [0.9, 0]], [[0, -0.9], [0, 0.9]]],
  ],
};

/** Draws a line into pixels as a round pen does. */
export function stroke(pixels: Float32Array, from: Point, to: Point): void {
  const steps = 1 + Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1]));
  for (let s = 0; s <= steps; s++) {
    const [x, y] = [0, 1].map((k) => from[k]! + (to[k]! - from[k]!) * s / steps) as [
      number,
      number,
    ];
    for (let row = Math.max(0, Math.floor(y - 1)); row <= Math.min(side - 1, y + 1); row++) {
      for (let at = Math.max(0, Math.floor(x - 1)); at <= Math.min(side - 1, x + 1); at++) {
        const ink = Math.max(0, 1.2 - Math.hypot(at - x, row - y));
        pixels[side * row + at] = Math.min(1, Math.max(pixels[side * row + at]!, ink));
      }
    }
  }
}

/** A drawing, never twice the same. */
export function draw(hand: Hand, kind: number = Math.floor(3 * uniform())): Drawing {
  const pixels = new Float32Array(side * side);
  const vary = (middle: number, by: number) => middle + by * (2 * uniform() - 1);
  const [x0, y0, size, turn] = [vary(7.5, 0.8), vary(7.5, 0.8), vary(5.5, 0.8), vary(0, 0.15)];
  const place = ([x, y]: Point): Point => [
    x0 + size * (x * Math.cos(turn) - y * Math.sin(turn)) + vary(0, 0.3),
    y0 + size * (x * Math.sin(turn) + y * Math.cos(turn)) + vary(0, 0.3),
  ];
  for (const line of lines[hand][kind]!) {
    const points = line.map(place);
    points.slice(1).forEach((to, k) => stroke(pixels, points[k]!, to));
  }
  return { pixels, kind };
}

/** What the model is fed with. */
export function feedsOf(drawings: readonly Drawing[]): Record<"x" | "labels", Feed> {
  const data = new Float32Array(drawings.length * side * side);
  drawings.forEach(({ pixels }, i) => data.set(pixels, i * side * side));
  return {
    x: { data, dims: [drawings.length, side * side] },
    labels: {
      data: BigInt64Array.from(drawings, ({ kind }) => BigInt(kind)),
      dims: [drawings.length],
    },
  };
}
