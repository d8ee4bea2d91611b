/** Moments of a gradient, as an optimizer keeps them: mean m and spread d, element by element. */
export interface Moments {
  readonly m: ArrayLike<number>;
  readonly d: ArrayLike<number>;
}

/** ρ after `steps` steps: the mean m of the last ones still has the variance ρσ². */
export function rhoAfter(steps: number, decay: number): number {
  const forgotten = decay ** steps;
  return (1 - decay) * (1 + forgotten) / ((1 + decay) * (1 - forgotten));
}

/** T of each element, `(m² − ρσ²)/(m² + d)` with `σ² = d/(1 − ρ)`, in [0, 1]. */
export function fractionsOf({ m, d }: Moments, rho: number): Float32Array {
  return Float32Array.from(m, (mean, i) => {
    const noise = rho < 1 ? d[i]! / (1 - rho) : 0;
    const total = mean ** 2 + d[i]!;
    return total > 0 ? Math.max(0, (mean ** 2 - rho * noise) / total) : 0;
  });
}
