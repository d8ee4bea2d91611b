/** @module */
import { checkOptions, checkValue } from "../checks.ts";
import { abs, clamp, gt, mul, square } from "../kernel/expr.ts";
import * as kinds from "../kinds.ts";
import { mergeClipping } from "./clipping.ts";
import { specify } from "./specification.ts";
import type { Piece, PreconditionerEstimator, RuleInputs, Scalars, Transform } from "./types.ts";

/** Options of {@linkcode scaleBy}. */
export interface ScaleByOptions {
  /**
   * What is scaled; default the input itself. The factor is estimated on the input and multiplies
   * this transform's output. Adam is the momentum scaled by the inverse RMS of the raw
   * gradient.
   */
  readonly to?: Transform;
}

/** What names of slots and scalars of {@linkcode Transform.to} begin with. */
export const inner = "to.";

/** The part of `scalars` that belongs to the inner transform. */
export function innerPart(previous: Scalars | undefined): Scalars | undefined {
  if (!previous) return undefined;
  return Object.fromEntries(
    Object.entries(previous).flatMap(([key, value]) =>
      key.startsWith(inner) ? [[key.slice(inner.length), value]] : []
    ),
  );
}

/** Numbers, slots or values of the inner transform under the names that they have here. */
export function prefixed<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [inner + key, value]));
}

/** What the inner transform is asked with. */
export function innerInputs<T extends Pick<RuleInputs, "slot" | "scalar">>(inputs: T): T {
  return {
    ...inputs,
    slot: (name: string) => inputs.slot(inner + name),
    scalar: (name: string) => inputs.scalar(inner + name),
  };
}

/**
 * Multiplies the update by an estimated diagonal factor: `u = factor(x) ∘ x`, or
 * `u = factor(x) ∘ to(x)`.
 *
 * @throws {TypeError} For what is no estimator or no transform, or if both want different curvature.
 *
 * @example
 * ```ts
 * import { chain, learningRate, momentum, scaleBy } from "@precond/core";
 * import { inverseRms } from "@precond/core/pieces";
 *
 * // Adam:
 * chain(scaleBy(inverseRms({ decay: 0.999 }), { to: momentum({ decay: 0.9 }) }), learningRate(1e-3));
 * ```
 */
export function scaleBy(
  estimator: PreconditionerEstimator,
  options: ScaleByOptions = {},
): Transform {
  const action = "scale";
  checkValue(action, estimator, kinds.estimator, "what to scale by");
  const given = checkOptions(action, options, { to: kinds.transform });
  const { to } = given;
  const hostSource = (piece: Piece | undefined) =>
    piece?.needs.includes("curvature") ? piece.curvature : undefined;
  const [outer, nested] = [hostSource(estimator), hostSource(to)];
  if (outer && nested && (outer.kind !== nested.kind || outer.every !== nested.every)) {
    throw new TypeError(
      `Cannot ${action}: "${estimator.name}" wants ${outer.kind} curvature every ${outer.every} steps, "${
        to!.name
      }" ${nested.kind} every ${nested.every}`,
    );
  }
  const source = outer ?? nested ?? estimator.curvature;
  const meaning = [estimator.meaning, to?.meaning && `to:${to.meaning}`].filter(Boolean).join();
  return {
    ...specify("scaleBy", estimator, given),
    name: estimator.name,
    needs: [...new Set([...estimator.needs, ...(to?.needs ?? [])])],
    slots: { ...estimator.slots, ...prefixed(to?.slots ?? {}) },
    ...(source ? { curvature: source } : {}),
    ...(meaning ? { meaning } : {}),
    ...(to?.learningRate ? { learningRate: to.learningRate } : {}),
    rawSquares: (estimator.rawSquares ?? !estimator.needs.includes("gradientSquares")) &&
      (to?.rawSquares ?? !to?.needs.includes("gradientSquares")),
    perParameter: (estimator.perParameter ?? false) || (to?.perParameter ?? false),
    ...(estimator.inspect ? { inspect: (inputs) => estimator.inspect!(inputs) } : {}),
    scales: to === undefined && estimator.scales !== false,
    ...(estimator.mergeScalars ? { mergeScalars: estimator.mergeScalars } : {}),
    ...(estimator.derive ? { derive: estimator.derive } : {}),
    ...(to ? { to } : {}),
    scalars(step, previous) {
      return {
        ...estimator.scalars(step, previous),
        ...(to ? prefixed(to.scalars(step, innerPart(previous))) : {}),
      };
    },
    apply(inputs) {
      const { factor, slots, limit } = (estimator.estimate(inputs) ?? {}) as ReturnType<
        typeof estimator.estimate
      >;
      const bounded = limit !== undefined && limit < Infinity;
      const target = to?.apply(innerInputs(inputs));
      const product = mul(factor, target?.update ?? inputs.x);
      const squares = inputs.gradientSquares;
      const own = bounded ? { elements: gt(abs(product), limit) } : {};
      return {
        update: bounded ? clamp(product, limit) : product,
        slots: { ...slots, ...prefixed(target?.slots ?? {}) },
        ...(squares && !to && !bounded ? { gradientSquares: mul(squares, square(factor)) } : {}),
        clipped: mergeClipping(target?.clipped, own),
        ...(target?.hold ? { hold: target.hold } : {}),
        ...(target?.heldSlots ? { heldSlots: prefixed(target.heldSlots) } : {}),
      };
    },
  };
}
