/**
 * Matrix products on Float32Arrays in JavaScript.
 *
 * @module
 */
import type { ProductCall } from "../driver/backend.ts";
import { checkProduct } from "./check.ts";

/** Columns of a tile. Two rows of four sums, with what they are made of, fit into 16 registers. */
const width = 4;

/**
 * Columns of op(b), one tile after the other: float64, so that the loops convert nothing. Kept
 * between calls, as a step must not allocate.
 */
let panel = new Float64Array(0);

/**
 * `out = op(a) · op(b)`: each element is `Σ_p op(a)[i, p] · op(b)[p, j]`, added in float64 in the order of
 * p and rounded once.
 *
 * @throws {TypeError} If an array has another size than the call says, or `out` is `a` or `b`.
 */
export function multiplyArrays(call: ProductCall<Float32Array>): void {
  checkProduct(call, (array) => array.length);
  const { a, b, out, rows, inner, columns, transposeA, transposeB } = call;
  const [down, along] = transposeA ? [1, rows] : [inner, 1];
  const [below, beside] = transposeB ? [1, inner] : [columns, 1];
  if (panel.length < inner * width) panel = new Float64Array(inner * width);
  const packed = panel;
  for (let j = 0; j < columns; j += width) {
    const used = Math.min(width, columns - j);
    for (let p = 0; p < inner; p++) {
      const from = p * below + j * beside;
      // Columns beyond the last repeat it and are not stored.
      for (let k = 0; k < width; k++) {
        packed[p * width + k] = b[from + Math.min(k, used - 1) * beside]!;
      }
    }
    for (let i = 0; i < rows; i += 2) {
      const first = i * down, second = Math.min(i + 1, rows - 1) * down;
      let c00 = 0, c01 = 0, c02 = 0, c03 = 0, c10 = 0, c11 = 0, c12 = 0, c13 = 0;
      for (let p = 0; p < inner; p++) {
        const a0 = a[first + p * along]!, a1 = a[second + p * along]!;
        const at = p * width;
        const b0 = packed[at]!, b1 = packed[at + 1]!, b2 = packed[at + 2]!, b3 = packed[at + 3]!;
        c00 += a0 * b0;
        c01 += a0 * b1;
        c02 += a0 * b2;
        c03 += a0 * b3;
        c10 += a1 * b0;
        c11 += a1 * b1;
        c12 += a1 * b2;
        c13 += a1 * b3;
      }
      const at = i * columns + j;
      out[at] = c00;
      if (used > 1) out[at + 1] = c01;
      if (used > 2) out[at + 2] = c02;
      if (used > 3) out[at + 3] = c03;
      if (i + 1 === rows) continue;
      const next = at + columns;
      out[next] = c10;
      if (used > 1) out[next + 1] = c11;
      if (used > 2) out[next + 2] = c12;
      if (used > 3) out[next + 3] = c13;
    }
  }
}
