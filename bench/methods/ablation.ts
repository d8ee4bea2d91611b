/**
 * combined() without one of its pieces at a time, each with the rate tuned. Without its basis it is
 * `snrOnly-tuned`.
 *
 * @module
 */
import { chain, combined, learningRate, scaleBy, signalFraction } from "@precond/core";
import { inBasis, inverseRms, kronecker, momentum } from "@precond/core/pieces";
import { type Method, onNetworks } from "./method.ts";
import { warmed } from "./ours.ts";

/** Where combined() has its own rate in the middle of the grid, so have its parts. */
const ablated = {
  family: "ablation",
  mode: "combined",
  fullOnly: true,
  ...onNetworks(0.04),
} as const;

/** Beside `combined-tuned`. */
export const ablationMethods: readonly Method[] = [
  {
    ...ablated,
    name: "combined-no-snr",
    title: "combined without √T",
    mode: "curvature",
    about:
      "RMS in the Kronecker eigenbasis, then momentum 0.5: combined() without signal-to-noise.",
    definition: (rate) =>
      chain(
        inBasis(kronecker(), scaleBy(inverseRms({ decay: 0.999, epsilon: 1e-8 }))),
        momentum({ decay: 0.5 }),
        learningRate(warmed(rate)),
      ),
  },
  {
    ...ablated,
    name: "combined-no-rms",
    title: "combined without RMS",
    about: "√T on the gradient itself in the Kronecker eigenbasis, memory 0.99: the step has the " +
      "gradient's units, as SGD's.",
    ...onNetworks(1),
    definition: (rate) =>
      chain(
        inBasis(kronecker(), scaleBy(signalFraction({ decay: 0.99, exponent: 0.5 }))),
        momentum({ decay: 0.5 }),
        learningRate(warmed(rate)),
      ),
  },
  {
    ...ablated,
    name: "combined-full-snr",
    title: "combined, T for √T",
    about: "combined() with T at full strength.",
    definition: (rate) => combined({ learningRate: warmed(rate), exponent: 1 }),
  },
  {
    ...ablated,
    name: "combined-no-momentum",
    title: "combined without momentum",
    about: "combined() without the average over its steps.",
    definition: (rate) => combined({ learningRate: warmed(rate), momentum: 0 }),
  },
  {
    ...ablated,
    name: "combined-no-warmup",
    title: "combined without warm-up",
    about: "combined() at its full rate from the first step.",
    definition: (rate) => combined({ learningRate: rate, warmup: 0 }),
  },
];
