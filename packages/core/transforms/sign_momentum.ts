/** @module */
import { checkOptions } from "../checks.ts";
import { specify } from "../chain/specification.ts";
import type { Transform } from "../chain/types.ts";
import { add, mul, sign } from "../kernel/expr.ts";
import * as kinds from "../kinds.ts";

/** Options of {@linkcode signMomentum}. */
export interface SignMomentumOptions {
  /** Weight of the old momentum in what is signed, in [0, 1); default 0.9. */
  readonly beta1?: number;
  /** Decay of the momentum, in [0, 1); default 0.99. */
  readonly beta2?: number;
}

/**
 * Lion's direction: `sign(β₁m + (1 − β₁)x)`, then `m ← β₂m + (1 − β₂)x`.
 *
 * Source: Chen et al. (2023), arXiv 2302.06675.
 *
 * @throws {TypeError | RangeError} For unknown options, or options out of range.
 *
 * @example
 * ```ts
 * import { chain, learningRate } from "@precond/core";
 * import { signMomentum } from "@precond/core/pieces";
 *
 * chain(signMomentum(), learningRate(1e-4)); // lion()
 * ```
 */
export function signMomentum(options: SignMomentumOptions = {}): Transform {
  const given = checkOptions("sign the momentum", options, {
    beta1: kinds.decay,
    beta2: kinds.decay,
  });
  const { beta1 = 0.9, beta2 = 0.99 } = given;
  return {
    ...specify("signMomentum", given),
    name: "signMomentum",
    needs: ["gradient"],
    slots: { m: { turns: true } },
    scalars: () => ({}),
    apply({ x, slot }) {
      const old = slot("m");
      const mixed = (beta: number) => add(mul(beta, old), mul(1 - beta, x));
      return { update: sign(mixed(beta1)), slots: { m: mixed(beta2) } };
    },
  };
}
