/**
 * Matrix products of a backend against plain float64 arithmetic.
 *
 * @module
 */
import { type Backend, productsOf } from "@precond/core/backend";
import { fail, same } from "./same.ts";
import { random } from "./random.ts";

/** Shape of a product and which of its factors are stored transposed. */
export interface ProductCase {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Sizes around every width of tiles and vectors. */
export const productSizes: readonly number[] = [1, 3, 5, 17, 64, 129];

/** All transposes, over sizes that no tile divides. */
export function productCases(sizes: readonly number[] = productSizes): ProductCase[] {
  const cases: ProductCase[] = [];
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      for (const rows of sizes) {
        for (const inner of sizes) {
          for (const columns of sizes) {
            cases.push({ rows, inner, columns, transposeA, transposeB });
          }
        }
      }
    }
  }
  return cases;
}

/** `Σ_p op(a)[i, p] · op(b)[p, j]` in float64, and the same sum of absolute values. */
export function exactProduct(
  { rows, inner, columns, transposeA, transposeB }: ProductCase,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): { values: Float64Array; sizes: Float64Array } {
  const values = new Float64Array(rows * columns), sizes = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      for (let p = 0; p < inner; p++) {
        const x = a[transposeA ? p * rows + i : i * inner + p]!;
        const y = b[transposeB ? j * inner + p : p * columns + j]!;
        values[i * columns + j]! += x * y;
        sizes[i * columns + j]! += Math.abs(x * y);
      }
    }
  }
  return { values, sizes };
}

/** What a backend's products are held to. */
export interface ProductTolerance {
  /**
   * The largest relative error of one operation: 2⁻²⁴ where operations round to the nearest float32.
   * A sum of n products in any order is then within (n + 1) of it, times the sum of absolute values.
   */
  readonly unit?: number;
  /** The sum is taken in float64 and rounded once. */
  readonly exactSums?: boolean;
}

function checkValues(
  test: ProductCase,
  { unit = 2 ** -24, exactSums = false }: ProductTolerance,
  actual: ArrayLike<number>,
  { values, sizes }: { values: Float64Array; sizes: Float64Array },
): void {
  same(actual.length, values.length, `${JSON.stringify(test)}: length`);
  for (let k = 0; k < values.length; k++) {
    const [x, y] = [actual[k]!, values[k]!];
    if (Object.is(x, y) || (Number.isNaN(x) && Number.isNaN(y))) continue;
    // The second term: what the exact sum itself may be off by, and numbers below float32's normal ones.
    const bound = (exactSums ? unit * Math.abs(y) : (test.inner + 1) * unit * sizes[k]!) +
      test.inner * 2 ** -52 * sizes[k]! + 2 ** -126;
    if (!(Math.abs(x - y) <= bound)) {
      fail(`${JSON.stringify(test)}: element ${k} is ${x}, expected ${y} within ${bound}`);
    }
  }
}

/** One product on the backend; everything that it needs is disposed. */
export async function productOn<A>(
  backend: Backend<A>,
  test: ProductCase,
  a: Float32Array,
  b: Float32Array | "a",
): Promise<Float32Array> {
  const { rows, inner, columns, transposeA, transposeB } = test;
  const left = backend.write(a, transposeA ? [inner, rows] : [rows, inner]);
  const right = b === "a"
    ? left
    : backend.write(b, transposeB ? [columns, inner] : [inner, columns]);
  // Whatever was there must not show.
  const out = backend.allocate([rows, columns], NaN);
  const [result] = productsOf(backend)!([{ ...test, a: left, b: right, out }]);
  const values = await backend.read(result!);
  for (const array of new Set([left, right, out, result!])) backend.dispose(array);
  return values;
}

/** Numbers with signs and magnitudes like those of gradients. */
function normals(seed: number, length: number): Float32Array {
  const { normal } = random(seed);
  return Float32Array.from({ length }, normal);
}

/** Each product against the exact one. */
export async function checkProducts<A>(
  backend: Backend<A>,
  tolerance: ProductTolerance = {},
  cases: readonly ProductCase[] = productCases(),
): Promise<void> {
  const pool = normals(1, Math.max(...cases.map((c) => c.inner * (c.rows + c.columns))) + 1);
  for (const test of cases) {
    const { rows, inner, columns } = test;
    const a = pool.slice(0, rows * inner), b = pool.slice(-inner * columns);
    checkValues(test, tolerance, await productOn(backend, test, a, b), exactProduct(test, a, b));
  }
}

/** Products of a matrix with itself, transposed on either side: symmetric in each bit. */
export async function checkGramMatrices<A>(
  backend: Backend<A>,
  tolerance: ProductTolerance = {},
): Promise<void> {
  for (const [rows, inner] of [[1, 1], [5, 3], [17, 129], [64, 64], [129, 17]] as const) {
    for (const transposeA of [false, true]) {
      const test = { rows, inner, columns: rows, transposeA, transposeB: !transposeA };
      const a = normals(2, rows * inner);
      const gram = await productOn(backend, test, a, "a");
      checkValues(test, tolerance, gram, exactProduct(test, a, a));
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < i; j++) {
          const [x, y] = [gram[i * rows + j], gram[j * rows + i]];
          same(x, y, `${JSON.stringify(test)}: [${i},${j}] against [${j},${i}]`);
        }
      }
    }
  }
}

/** NaN and infinities reach exactly the elements that they are part of. */
export async function checkNonFiniteProducts<A>(backend: Backend<A>): Promise<void> {
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      const test = { rows: 17, inner: 5, columns: 19, transposeA, transposeB };
      const { rows, inner, columns } = test;
      const a = new Float32Array(rows * inner).fill(1),
        b = new Float32Array(inner * columns).fill(2);
      const atA = (i: number, p: number) => transposeA ? p * rows + i : i * inner + p;
      const atB = (p: number, j: number) => transposeB ? j * inner + p : p * columns + j;
      a[atA(3, 4)] = NaN;
      a[atA(16, 0)] = Infinity;
      a[atA(7, 1)] = 0;
      b[atB(1, 18)] = -Infinity;
      b[atB(4, 2)] = 0;
      const values = await productOn(backend, test, a, b);
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          // Row 3 has NaN; row 7 meets −∞ with 0; row 16 meets it with 1 beside ∞ · 2 = ∞.
          const expected = i === 3 || (j === 18 && (i === 7 || i === 16))
            ? NaN
            : i === 16
            ? Infinity
            : j === 18
            ? -Infinity
            : 10 - (j === 2 ? 2 : 0) - (i === 7 ? 2 : 0);
          same(values[i * columns + j], expected, `${JSON.stringify(test)}: [${i},${j}]`);
        }
      }
    }
  }
}

/** The same bits on every run, whatever ran in between. */
export async function checkRepeatedProducts<A>(backend: Backend<A>): Promise<void> {
  const test = { rows: 65, inner: 131, columns: 67, transposeA: true, transposeB: false };
  const a = normals(3, 65 * 131), b = normals(4, 131 * 67);
  const first = await productOn(backend, test, a, b);
  const other = { rows: 9, inner: 300, columns: 5, transposeA: false, transposeB: true };
  await productOn(backend, other, normals(5, 9 * 300), normals(6, 5 * 300));
  same([...await productOn(backend, test, a, b)], [...first], "the second run");
}

/** Several products in one call, and products over nothing. */
export async function checkManyProducts<A>(backend: Backend<A>): Promise<void> {
  const plain = { transposeA: false, transposeB: false };
  const x = backend.write(Float32Array.of(1, 2, 3, 4), [2, 2]);
  const y = backend.write(Float32Array.of(5, 6), [2, 1]);
  const outs = [[2, 1], [2, 2], [1, 1]].map((shape) => backend.allocate(shape, 9));
  const results = productsOf(backend)!([
    { ...plain, a: x, b: y, out: outs[0]!, rows: 2, inner: 2, columns: 1 },
    { a: x, b: x, out: outs[1]!, rows: 2, inner: 2, columns: 2, transposeA: true },
    { a: y, b: y, out: outs[2]!, rows: 1, inner: 2, columns: 1, transposeA: true },
  ]);
  const values = await Promise.all(results.map((r) => backend.read(r)));
  // [1 2; 3 4] [5; 6] = [17; 39], XᵀX = [10 14; 14 20], 5² + 6² = 61
  same(values.map((v) => [...v]), [[17, 39], [10, 14, 14, 20], [61]], "products");
  same([...await backend.read(x)], [1, 2, 3, 4], "a factor");
  for (const array of new Set([x, y, ...outs, ...results])) backend.dispose(array);
  same(productsOf(backend)!([]).length, 0, "no products");
  const nothing = { ...plain, rows: 2, inner: 0, columns: 3 };
  const none = new Float32Array();
  same([...await productOn(backend, nothing, none, none)], [0, 0, 0, 0, 0, 0], "sums of nothing");
}

/** All that must hold of a backend's products. */
export async function checkBackendProducts<A>(
  backend: Backend<A>,
  tolerance: ProductTolerance = {},
  cases?: readonly ProductCase[],
): Promise<void> {
  await checkProducts(backend, tolerance, cases);
  await checkGramMatrices(backend, tolerance);
  await checkNonFiniteProducts(backend);
  await checkRepeatedProducts(backend);
  await checkManyProducts(backend);
}
