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

/** Signal g² and noise σ² of each element, unbiased: `σ² = d/(1 − ρ)`, `g² = m² − ρσ²`. */
function unbiased({ m, d }: Moments, rho: number) {
  return Array.from(m, (mean, i) => {
    const noise = rho < 1 ? d[i]! / (1 - rho) : 0;
    return { signal: mean ** 2 - rho * noise, noise, total: mean ** 2 + d[i]! };
  });
}

/** T of each element, `(m² − ρσ²)/(m² + d)`, in [0, 1]. */
export function fractionsOf(moments: Moments, rho: number): Float32Array {
  return Float32Array.from(
    unbiased(moments, rho),
    ({ signal, total }) => total > 0 ? Math.max(0, signal / total) : 0,
  );
}

/**
 * The gradient noise scale `B Σσ² / Σg²`: the batch size at which noise equals signal. It is
 * at most `B/ρ`: a signal below ρΣσ² cannot be told from none.
 *
 * Source: McCandlish, Kaplan & Amodei (2018), arXiv 1812.06162.
 */
export function noiseScale(all: readonly Moments[], rho: number, batchSize: number): number {
  const elements = all.flatMap((moments) => unbiased(moments, rho));
  const signal = elements.reduce((sum, e) => sum + e.signal, 0);
  const noise = elements.reduce((sum, e) => sum + e.noise, 0);
  return batchSize * noise / Math.max(signal, rho * noise);
}
