/**
 * The eigenbases of several optimizers as one, and their slots in it.
 *
 * @module
 */
import { eigenbasis } from "../basis/refresh.ts";
import { basisSlots } from "../chain/slots.ts";
import type { Part } from "./merge_part.ts";
import type { NamedArray } from "./safetensors.ts";

/** Parts in one basis, and what the merged state keeps of it. */
export interface MergedBases<P extends Part> {
  readonly parts: readonly P[];
  readonly slots: ReadonlyMap<string, NamedArray>;
}

type Side = "left" | "right";

/** From the coordinates of one basis to those of another: `y′ = Lᵀ y R`; left out where a side stays. */
type Turn = Partial<Record<Side, Float64Array>>;

/**
 * Averages of g gᵀ in the mean. Eigenvectors stay where all have the same; else they become those of the
 * merged averages, and what works in the basis turns with them.
 *
 * @throws {TypeError} If it would have to turn what is no average of samples or squares.
 */
export function mergeBases<P extends Part>(name: string, parts: readonly P[]): MergedBases<P> {
  const { sides } = parts[0]!.entry;
  const slots = new Map<string, NamedArray>();
  if (!sides) return { parts, slots };
  const turns: Turn[] = parts.map(() => ({}));
  for (const side of ["left", "right"] as const) {
    if (!sides[side]) continue;
    const n = side === "left" ? sides.rows : sides.columns;
    const { gram, vectors } = basisSlots[side];
    const shape = [n, n];
    const average = new Float32Array(n * n).map((_, k) =>
      parts.reduce((sum, { weight, slots }) => sum + weight * slots.get(gram)!.values[k]!, 0)
    );
    slots.set(gram, { shape, values: average });
    const bases = parts.map(({ slots }) => slots.get(vectors)!.values);
    const same = bases.every((q) => q.every((x, k) => x === bases[0]![k]));
    const merged = same ? bases[0]! : eigenbasis(average, n);
    slots.set(vectors, { shape, values: merged });
    if (!same) {
      bases.forEach((q, i) => turns[i]![side] = multiply(transpose(q, n, n), merged, n, n));
    }
  }
  const turned = parts.map((part, i) => turnPart(name, part, turns[i]!));
  return { parts: turned, slots };
}

function turnPart<P extends Part>(name: string, part: P, turn: Turn): P {
  if (!turn.left && !turn.right) return part;
  const squared: Turn = Object.fromEntries(
    Object.entries(turn).map(([side, r]) => [side, r.map((x) => x * x)]),
  );
  const slots = new Map(part.slots);
  for (const { name: stage, transform, inside } of part.chain.stages) {
    if (!inside) continue;
    for (const [key, { shape = "element", turns, merge }] of Object.entries(transform.slots)) {
      const full = `${stage}.${key}`;
      const averages = turns || merge === "mean" || typeof merge === "object";
      if (shape !== "element" || !averages) {
        throw new TypeError(
          `Cannot merge "${name}": ${full} belongs to eigenvectors, which differ between the states; ` +
            `merge before the first of them is renewed, or let clients start each round afresh`,
        );
      }
      const { shape: dims, values } = slots.get(full)!;
      const moved = turnMatrix(values, part, turns ? turn : squared);
      slots.set(full, { shape: dims, values: Float32Array.from(moved) });
    }
  }
  return { ...part, slots };
}

/** Lᵀ y R */
function turnMatrix(
  y: ArrayLike<number>,
  { entry }: Part,
  { left, right }: Turn,
): ArrayLike<number> {
  const { rows, columns } = entry.sides!;
  const half = left ? multiply(transpose(left, rows, rows), y, rows, columns) : y;
  return right ? multiply(half, right, columns, columns) : half;
}

/** a [·, inner] times b [inner, columns]. */
function multiply(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  inner: number,
  columns: number,
): Float64Array {
  const rows = a.length / inner;
  const product = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inner; k++) {
      const x = a[i * inner + k]!;
      for (let j = 0; j < columns; j++) {
        product[i * columns + j] = product[i * columns + j]! + x * b[k * columns + j]!;
      }
    }
  }
  return product;
}

function transpose(a: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const turned = new Float64Array(a.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = a[i * columns + j]!;
  }
  return turned;
}
