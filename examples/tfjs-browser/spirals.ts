/** Points of the plane with labels, as plain arrays. */
export interface Points {
  /** x and y by turns. */
  readonly xy: Float32Array<ArrayBuffer>;
  /** 0 or 1. */
  readonly labels: Float32Array<ArrayBuffer>;
}

/** What {@linkcode makeSpirals} takes. */
export interface SpiralOptions {
  readonly seed: number;
  /** The fraction of labels that are wrong; default 0. */
  readonly flipped?: number;
}

/** Numbers in (0, 1), the same for the same seed (an LCG's high bits are good enough here). */
export function uniformSource(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/** Two spirals that wind around each other, within [−1, 1]². */
export function makeSpirals(size: number, { seed, flipped = 0 }: SpiralOptions): Points {
  const uniform = uniformSource(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const xy = new Float32Array(2 * size), labels = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const arm = i % 2;
    const t = Math.sqrt(uniform());
    const angle = 1.25 * 2 * Math.PI * t + arm * Math.PI;
    xy[2 * i] = 0.88 * t * Math.cos(angle) + 0.03 * normal();
    xy[2 * i + 1] = 0.88 * t * Math.sin(angle) + 0.03 * normal();
    labels[i] = uniform() < flipped ? 1 - arm : arm;
  }
  return { xy, labels };
}
