/**
 * What one would use of this library: its recommended optimizers as shipped, and with the rate tuned.
 *
 * @module
 */
import { combined, curvatureOnly, type Schedule, snrOnly } from "@precond/core";
import { type Method, onNetworks, type Rate } from "./method.ts";

/** Steps of the warm-up that the aliases give a number; a schedule they take as it is. */
const warmup = 10;

/** A rate with the warm-up that the alias has: a number brings it along. */
export function warmed(rate: Rate): Rate {
  if (typeof rate === "number") return rate;
  const schedule: Schedule = (step) => rate(step) * Math.min(1, (step + 1) / warmup);
  return schedule;
}

/** As shipped: no options. */
export const shippedMethods: readonly Method[] = [
  {
    name: "snrOnly",
    title: "snrOnly()",
    family: "ours",
    mode: "snr",
    about: "√T on the RMS-normalised gradient, as shipped: no options, nothing tuned.",
    ...onNetworks(0.05),
    shipped: true,
    definition: () => snrOnly(),
  },
  {
    name: "curvatureOnly",
    title: "curvatureOnly()",
    family: "ours",
    mode: "curvature",
    about: "The Kronecker eigenbasis without T, as shipped: no options, nothing tuned.",
    ...onNetworks(0.004),
    shipped: true,
    definition: () => curvatureOnly(),
  },
  {
    name: "combined",
    title: "combined()",
    family: "ours",
    mode: "combined",
    about: "√T in the Kronecker eigenbasis, as shipped: no options, nothing tuned.",
    ...onNetworks(0.04),
    shipped: true,
    definition: () => combined(),
  },
  {
    name: "combined-both-sides",
    title: "combined(), both sides",
    family: "ablation",
    mode: "combined",
    about: "combined() with every side up to 256 rotated, whatever it costs; nothing tuned.",
    fullOnly: true,
    ...onNetworks(0.04),
    shipped: true,
    definition: () => combined({ basis: { sides: "both" } }),
  },
];

/** The same with the rate tuned, and the problem's schedule after the warm-up. */
export const tunedMethods: readonly Method[] = [
  {
    name: "snrOnly-tuned",
    title: "snrOnly, tuned",
    family: "ours",
    mode: "snr",
    about: "snrOnly() with the learning rate tuned: combined without its basis, too.",
    fullOnly: true,
    ...onNetworks(0.05),
    definition: (rate) => snrOnly({ learningRate: warmed(rate) }),
  },
  {
    name: "curvatureOnly-tuned",
    title: "curvatureOnly, tuned",
    family: "ours",
    mode: "curvature",
    about: "curvatureOnly() with the learning rate tuned.",
    fullOnly: true,
    ...onNetworks(0.004),
    definition: (rate) => curvatureOnly({ learningRate: warmed(rate) }),
  },
  {
    name: "combined-tuned",
    title: "combined, tuned",
    family: "ours",
    mode: "combined",
    about: "combined() with the learning rate tuned: what its ablations are compared with.",
    fullOnly: true,
    ...onNetworks(0.04),
    definition: (rate) => combined({ learningRate: warmed(rate) }),
  },
];
