/**
 * Eigenvectors of a symmetric matrix: Householder's tridiagonal form, then implicit QL.
 *
 * Golub and Van Loan, "Matrix Computations" (2013), 8.3.1 and 8.3.3; Bowdler, Martin, Reinsch and
 * Wilkinson, "The QR and QL algorithms for symmetric matrices" (1968).
 *
 * @module
 */

/** Sweeps for one eigenvalue; two are usual. */
const patience = 60;

/**
 * `out[i] = Σ_j a[i, j] · b[at + j]` over i and j from `first` on, four rows at a time: sums that wait for
 * themselves would take four times as long.
 */
function timesVector(
  a: Float64Array,
  n: number,
  first: number,
  b: Float64Array,
  at: number,
  out: Float64Array,
): void {
  let i = first;
  for (; i + 3 < n; i += 4) {
    const r0 = i * n, r1 = r0 + n, r2 = r1 + n, r3 = r2 + n;
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (let j = first; j < n; j++) {
      const x = b[at + j]!;
      s0 += a[r0 + j]! * x;
      s1 += a[r1 + j]! * x;
      s2 += a[r2 + j]! * x;
      s3 += a[r3 + j]! * x;
    }
    out[i] = s0;
    out[i + 1] = s1;
    out[i + 2] = s2;
    out[i + 3] = s3;
  }
  for (; i < n; i++) {
    let sum = 0;
    for (let j = first; j < n; j++) sum += a[i * n + j]! * b[at + j]!;
    out[i] = sum;
  }
}

/**
 * Reduces `a`, which is overwritten, to tridiagonal form T = Zᵀ A Z.
 *
 * @returns The diagonal d of T, e with e[i] = T[i, i + 1], and Z.
 */
function tridiagonal(a: Float64Array, n: number) {
  const d = new Float64Array(n), e = new Float64Array(n), w = new Float64Array(n);
  // v of reflection k, which is I − v vᵀ · scale, stays in row k beyond the diagonal.
  const scale = new Float64Array(n);
  for (let k = 0; k < n - 1; k++) {
    const row = k * n;
    d[k] = a[row + k]!;
    const head = a[row + k + 1]!;
    let rest = 0;
    for (let j = k + 2; j < n; j++) rest += a[row + j]! * a[row + j]!;
    if (rest === 0) {
      e[k] = head;
      continue;
    }
    const size = Math.sqrt(head * head + rest);
    // The sign that adds up and does not cancel.
    e[k] = head > 0 ? -size : size;
    const first = head - e[k]!;
    a[row + k + 1] = first;
    const s = scale[k] = 2 / (first * first + rest);
    // p = s A v, w = p − ½ s (pᵀ v) v, A ← A − v wᵀ − w vᵀ
    let inner = 0;
    timesVector(a, n, k + 1, a, row, w);
    for (let i = k + 1; i < n; i++) {
      w[i] = w[i]! * s;
      inner += w[i]! * a[row + i]!;
    }
    const half = inner * s / 2;
    for (let i = k + 1; i < n; i++) w[i] = w[i]! - half * a[row + i]!;
    for (let i = k + 1; i < n; i++) {
      const vi = a[row + i]!, wi = w[i]!, at = i * n;
      for (let j = k + 1; j < n; j++) a[at + j] = a[at + j]! - vi * w[j]! - wi * a[row + j]!;
    }
  }
  d[n - 1] = a[n * n - 1]!;
  // Z = H_0 H_1 … from the right: what a reflection does not reach is still the identity.
  const z = new Float64Array(n * n);
  for (let i = 0; i < n; i++) z[i * n + i] = 1;
  for (let k = n - 2; k >= 0; k--) {
    const row = k * n;
    if (scale[k] === 0) continue;
    w.fill(0);
    for (let i = k + 1; i < n; i++) {
      const at = i * n, v = scale[k]! * a[row + i]!;
      for (let j = k + 1; j < n; j++) w[j] = w[j]! + v * z[at + j]!;
    }
    for (let i = k + 1; i < n; i++) {
      const at = i * n, v = a[row + i]!;
      for (let j = k + 1; j < n; j++) z[at + j] = z[at + j]! - v * w[j]!;
    }
  }
  return { d, e, z };
}

/**
 * Rotates columns i and i + 1 of `z` [n, n] by (c[i], s[i]), from i = m − 1 down to l: all of a sweep at
 * once, so that each number is read and written once.
 */
function rotate(
  z: Float64Array,
  n: number,
  l: number,
  m: number,
  c: Float64Array,
  s: Float64Array,
): void {
  let row = 0;
  for (; row + 4 * n <= n * n; row += 4 * n) {
    const r1 = row + n, r2 = r1 + n, r3 = r2 + n;
    let y0 = z[row + m]!, y1 = z[r1 + m]!, y2 = z[r2 + m]!, y3 = z[r3 + m]!;
    for (let i = m - 1; i >= l; i--) {
      const ci = c[i]!, si = s[i]!;
      const x0 = z[row + i]!, x1 = z[r1 + i]!, x2 = z[r2 + i]!, x3 = z[r3 + i]!;
      z[row + i + 1] = si * x0 + ci * y0;
      z[r1 + i + 1] = si * x1 + ci * y1;
      z[r2 + i + 1] = si * x2 + ci * y2;
      z[r3 + i + 1] = si * x3 + ci * y3;
      y0 = ci * x0 - si * y0;
      y1 = ci * x1 - si * y1;
      y2 = ci * x2 - si * y2;
      y3 = ci * x3 - si * y3;
    }
    z[row + l] = y0;
    z[r1 + l] = y1;
    z[r2 + l] = y2;
    z[r3 + l] = y3;
  }
  for (; row < n * n; row += n) {
    let y = z[row + m]!;
    for (let i = m - 1; i >= l; i--) {
      const x = z[row + i]!;
      z[row + i + 1] = s[i]! * x + c[i]! * y;
      y = c[i]! * x - s[i]! * y;
    }
    z[row + l] = y;
  }
}

/** Diagonalizes by plane rotations, which go into the columns of z. */
function diagonalize(
  { d, e, z }: { d: Float64Array; e: Float64Array; z: Float64Array },
  n: number,
): boolean {
  let size = 0;
  for (let i = 0; i < n; i++) size = Math.max(size, Math.abs(d[i]!) + Math.abs(e[i]!));
  const cosines = new Float64Array(n), sines = new Float64Array(n);
  const negligible = 2 ** -52 * size;
  for (let l = 0; l < n; l++) {
    for (let sweep = 0;; sweep++) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]!) > negligible) m++;
      if (m === l) break;
      if (sweep === patience) return false;
      // Wilkinson's shift: the eigenvalue of the upper 2 × 2 block that is nearer to d[l].
      let g = (d[l + 1]! - d[l]!) / (2 * e[l]!);
      g = d[m]! - d[l]! + e[l]! / (g + (g < 0 ? -1 : 1) * Math.sqrt(g * g + 1));
      let s = 1, c = 1, p = 0, i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i]!, b = c * e[i]!, r = Math.sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] = d[i + 1]! - p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1]! - p;
        const t = (d[i]! - g) * s + 2 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
        cosines[i] = c;
        sines[i] = s;
      }
      rotate(z, n, i + 1, m, cosines, sines);
      if (i >= l) continue;
      d[l] = d[l]! - p;
      e[l] = g;
      e[m] = 0;
    }
  }
  return true;
}

/**
 * Eigenvalues and eigenvectors of the symmetric matrix `a` [n, n], which is overwritten. Entries must be
 * finite, and their squares must not overflow.
 *
 * @returns Eigenvalues in no order, and the eigenvectors as columns in the same order; undefined if
 * the iteration does not end.
 */
export function symmetricEigenvectors(
  a: Float64Array,
  n: number,
): { values: Float64Array; vectors: Float64Array } | undefined {
  const form = tridiagonal(a, n);
  return diagonalize(form, n) ? { values: form.d, vectors: form.z } : undefined;
}
