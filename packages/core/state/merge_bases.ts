/**
 * The eigenbases of several optimizers as one, and their slots in it.
 *
 * @module
 */
import { eigenbasis } from "../basis/refresh.ts";
import { basisSlots } from "../chain/slots.ts";
import { arrayBackend } from "../driver/array_backend.ts";
import type { ProductCall } from "../driver/backend.ts";
import { type Part, sharesOf } from "./merge_part.ts";
import type { NamedArray } from "./safetensors.ts";
import { weightedMean } from "./weighted_mean.ts";

/** Parts in one basis, and what the merged state keeps of it. */
export interface MergedBases {
  readonly parts: readonly Part[];
  readonly slots: ReadonlyMap<string, NamedArray>;
}

type Side = "left" | "right";

/** From the coordinates of one basis to those of another: `y′ = Lᵀ y R`; left out where a side stays. */
type Turn = Partial<Record<Side, Float32Array>>;

/**
 * Averages of g gᵀ in the mean. Eigenvectors stay where all have the same; else they become those of the
 * merged averages, and what works in the basis turns with them.
 *
 * @throws {TypeError} If it would have to turn what is no average of samples or squares.
 */
export function mergeBases(name: string, parts: readonly Part[]): MergedBases {
  const { sides } = parts[0]!.entry;
  const slots = new Map<string, NamedArray>();
  if (!sides) return { parts, slots };
  const turns: Turn[] = parts.map(() => ({}));
  for (const side of ["left", "right"] as const) {
    if (!sides[side]) continue;
    const n = side === "left" ? sides.rows : sides.columns;
    const { gram, vectors } = basisSlots[side];
    const shape = [n, n];
    const average = weightedMean(sharesOf(parts, gram));
    slots.set(gram, { shape, values: average });
    const bases = parts.map(({ slots }) => slots.get(vectors)!.values);
    const same = bases.every((q) => q.every((x, k) => x === bases[0]![k]));
    const merged = same ? bases[0]! : eigenbasis(average, n);
    slots.set(vectors, { shape, values: merged });
    if (!same) {
      bases.forEach((q, i) =>
        turns[i]![side] = product({ a: q, b: merged, transposeA: true }, n, n)
      );
    }
  }
  const turned = parts.map((part, i) => turnPart(name, part, turns[i]!));
  return { parts: turned, slots };
}

function turnPart(name: string, part: Part, turn: Turn): Part {
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
      slots.set(full, { shape: dims, values: moved });
    }
  }
  return { ...part, slots };
}

/** Lᵀ y R */
function turnMatrix(y: Float32Array, { entry }: Part, { left, right }: Turn): Float32Array {
  const { rows, columns } = entry.sides!;
  const half = left ? product({ a: left, b: y, transposeA: true }, rows, columns) : y;
  return right ? product({ a: half, b: right }, columns, columns) : half;
}

/** op(a) [·, inner] times b [inner, columns]. */
function product(
  given: Pick<ProductCall<Float32Array>, "a" | "b" | "transposeA">,
  inner: number,
  columns: number,
): Float32Array {
  const rows = given.a.length / inner;
  const out = new Float32Array(rows * columns);
  arrayBackend().multiply!([{ ...given, out, rows, inner, columns }]);
  return out;
}
