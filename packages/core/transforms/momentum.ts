/** @module */
import { specify } from "../chain/specification.ts";
import { checkOptions } from "../checks.ts";
import { average, newestWeight, weights } from "../chain/ema.ts";
import type { Transform } from "../chain/types.ts";
import * as kinds from "../kinds.ts";
import { add, mul } from "../kernel/expr.ts";

/** Options of {@linkcode momentum}. */
export interface MomentumOptions {
  /** In [0, 1); default 0.9. */
  readonly decay?: number;
  /** "average": EMA, bias-corrected (default). "sum": heavy ball, `a ← βa + x`. */
  readonly form?: "average" | "sum";
  /** Correct the average for its start at 0; default true. */
  readonly debias?: boolean;
  /** Look one application ahead; default false. */
  readonly nesterov?: boolean;
}

/**
 * Momentum: `m ← (1−w)m + wx` with `w = (1−β)/(1−βᵗ)`, or `a ← βa + x`.
 *
 * A signal fraction belongs before it: the average of T·g reaches the optimum; T applied to the
 * average does not anneal. Nesterov: `(1−w)m + wx`, or `x + βa`, with the new m or a.
 *
 * Source: Polyak (1964); Sutskever et al. (2013) for Nesterov's form; Kingma & Ba (2015) for the
 * correction.
 *
 * @throws {RangeError} For a decay outside [0, 1) or an unknown form.
 * @throws {TypeError} For an option that is unknown or of the wrong type.
 *
 * @example
 * ```ts
 * import { chain, learningRate, momentum } from "@precond/core";
 *
 * chain(momentum({ decay: 0.9, form: "sum" }), learningRate(0.01)); // tf.train.momentum
 * ```
 */
export function momentum(options: MomentumOptions = {}): Transform {
  const given = checkOptions("accumulate momentum", options, {
    decay: kinds.decay,
    form: kinds.oneOf("average", "sum"),
    debias: kinds.flag,
    nesterov: kinds.flag,
  });
  const { decay = 0.9, form = "average", debias = true, nesterov = false } = given;
  return {
    ...specify("momentum", given),
    name: "momentum",
    needs: ["gradient"],
    ...(form === "sum" ? { meaning: form } : debias ? {} : { meaning: "biased" }),
    slots: { m: { turns: true } },
    scalars: ({ step }) => form === "sum" ? {} : weights(newestWeight(decay, step, debias)),
    apply({ x, slot, scalar }) {
      const old = slot("m");
      if (form === "sum") {
        const m = add(mul(decay, old), x);
        return { update: nesterov ? add(x, mul(decay, m)) : m, slots: { m } };
      }
      const m = average(decay, old, x, scalar);
      return { update: nesterov ? average(decay, m, x, scalar) : m, slots: { m } };
    },
  };
}
