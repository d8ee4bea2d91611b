/**
 * How a tensor is seen as a matrix, and which sides of it are rotated.
 *
 * @module
 */
import type { KroneckerBasis } from "./types.ts";

/** Where a host keeps the axis of a convolution's output channels. */
export type OutputAxis = "first" | "last";

/** A tensor as a matrix, and the sides of it that have a basis of their own. */
export interface Sides {
  readonly rows: number;
  readonly columns: number;
  readonly left: boolean;
  readonly right: boolean;
}

/** Operations that no step notices: about a third of a millisecond on one CPU core. */
const unnoticed = 2 ** 21;
/** Positions that a convolution is taken to have in each example. */
const positions = 64;

/** Rows and columns of a tensor as a matrix; undefined for vectors and scalars. */
export function matrixOf(
  shape: readonly number[],
  outputAxis: OutputAxis,
): { readonly rows: number; readonly columns: number; readonly convolution: boolean } | undefined {
  const axes = shape.filter((n) => n !== 1);
  if (axes.length < 2 || axes.includes(0)) return undefined;
  const size = axes.reduce((a, b) => a * b, 1);
  const convolution = axes.length > 2;
  const rows = convolution && outputAxis === "last" ? size / axes.at(-1)! : axes[0]!;
  return { rows, columns: size / rows, convolution };
}

/**
 * The sides that a basis rotates; undefined if none. `rows` is how many rows of data a step multiplies
 * the weights with, where the host knows; else they follow from the number of examples.
 */
export function sidesOf(
  basis: KroneckerBasis,
  shape: readonly number[],
  outputAxis: OutputAxis,
  { examples, rows: given }: { readonly examples: number; readonly rows?: number | undefined },
): Sides | undefined {
  const matrix = matrixOf(shape, outputAxis);
  if (matrix === undefined) return undefined;
  const { rows, columns, convolution } = matrix;
  const data = given ?? (convolution ? examples * positions : examples);
  const pays = (n: number) => n <= data / 2 || 6 * n * rows * columns <= unnoticed;
  const wanted = (side: "left" | "right", n: number) => {
    if (n > basis.maxSide) return false;
    return basis.sides === "auto" ? pays(n) : basis.sides === "both" || basis.sides === side;
  };
  const [left, right] = [wanted("left", rows), wanted("right", columns)];
  return left || right ? { rows, columns, left, right } : undefined;
}
