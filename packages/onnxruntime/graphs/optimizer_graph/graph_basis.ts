/**
 * What the host of an optimizer graph does for a basis: eigenvectors, which ONNX has no operator for.
 *
 * @module
 */
import type { Chain } from "@precond/core";
import {
  arrayBackend,
  basisSlots,
  createRotation,
  createScratch,
  type Sides,
  turningSlots,
} from "@precond/core/backend";
import type { GraphParameter } from "./graph_parameter.ts";

/** The basis of one parameter of an optimizer graph. */
export interface GraphBasis {
  readonly parameter: string;
  readonly shape: readonly number[];
  /** The gradient as a matrix, and the sides that have eigenvectors. */
  readonly sides: Sides;
  /** Steps from one refresh to the next. */
  readonly every: number;
  /** Inputs that a refresh reads: averages and eigenvectors, and the averages that turn with them. */
  readonly reads: readonly string[];
  readonly chain: Chain;
}

/** Describes the basis of a parameter. */
export function basisOf(chain: Chain, { name, shape }: GraphParameter, sides: Sides): GraphBasis {
  const own = (["left", "right"] as const).flatMap((side) =>
    sides[side] ? Object.values(basisSlots[side]) : []
  );
  const reads = [...own, ...turningSlots(chain)].map((slot) => `${name}::${slot}`);
  return { parameter: name, shape, sides, every: chain.basis!.every, reads, chain };
}

/**
 * Refreshes the basis of a parameter after its `updates`-th update: on multiples of `every`, as the
 * driver does. Returns what becomes of the graph's inputs, by name: the new eigenvectors, and the averages
 * that turn with them; nothing if no refresh is due.
 *
 * Twice the full eigenvectors of the averages `A`, by falling eigenvalue; then the orthonormal factor of
 * `(A + ε I) Q`, with ε 2⁻²⁴ of the trace. A runtime without JavaScript does the same with its own
 * library. What turns goes through the layer's own coordinates: `x ← Q_newᵀ (Q_old x)`.
 *
 * @throws {TypeError} If a slot among `reads` is missing.
 *
 * @example
 * ```ts
 * import { chain, inBasis, kronecker, learningRate, scaleBy } from "@precond/core";
 * import { inverseRms } from "@precond/core/pieces";
 * import { optimizerGraph, refreshBasis } from "@precond/onnxruntime";
 *
 * const soap = chain(inBasis(kronecker(), scaleBy(inverseRms())), learningRate(0.004));
 * const { bases, slots } = optimizerGraph(soap, [{ name: "w", shape: [8, 4] }], { steps: 100 });
 * const values = new Map<string, Float32Array>();
 * for (const [name, { shape }] of slots) {
 *   values.set(name, new Float32Array(shape.reduce((a, b) => a * b, 1)));
 * }
 * // After each run of the graph:
 * for (const basis of bases) {
 *   for (const [name, value] of refreshBasis(basis, 10, values)) values.set(name, value);
 * }
 * ```
 */
export function refreshBasis(
  { parameter, shape, sides, every, reads, chain }: GraphBasis,
  updates: number,
  values: ReadonlyMap<string, Float32Array>,
): Map<string, Float32Array> {
  const changed = new Map<string, Float32Array>();
  if (updates === 0 || updates % every !== 0) return changed;
  const inner = (name: string) => name.slice(parameter.length + 2);
  const slots: Record<string, Float32Array> = {};
  for (const name of reads) {
    const value = values.get(name);
    if (value === undefined) {
      throw new TypeError(
        `Cannot refresh the basis of "${parameter}": "${name}" is missing, given are ${
          [...values.keys()].join(", ") || "no slots"
        }`,
      );
    }
    slots[inner(name)] = value;
  }
  const backend = arrayBackend();
  const rotation = createRotation(chain.basis!, backend, createScratch(backend));
  const item = { shape, sides, slots: { ...slots } };
  const read = rotation.read(item);
  if ("now" in read) {
    throw new TypeError("Cannot refresh a basis: reads are asynchronous");
  }
  rotation.refresh(item, read, updates / every, turningSlots(chain));
  for (const name of reads) {
    const value = item.slots[inner(name)]!;
    if (value !== slots[inner(name)]) changed.set(name, value);
  }
  return changed;
}
