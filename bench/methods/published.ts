/**
 * Others' optimizers that use signal-to-noise or sampled curvature, as core has them, with the rate
 * tuned and all else at the papers' values.
 *
 * @module
 */
import { adaHessian, mSvag, sophia, vSgd } from "@precond/core";
import { type Method, onNetworks } from "./method.ts";

/** Left out of the quick suite. */
export const publishedMethods: readonly Method[] = [
  {
    name: "m-svag",
    title: "M-SVAG",
    family: "published",
    mode: "snr",
    about: "Balles and Hennig (2018): momentum times a signal fraction of the mean.",
    fullOnly: true,
    ...onNetworks(0.2),
    definition: (learningRate) => mSvag({ learningRate }),
  },
  {
    name: "vsgd",
    title: "vSGD",
    family: "published",
    mode: "combined",
    about:
      "Schaul, Zhang and LeCun (2013): T H⁻¹ with adaptive memory. Made to need no rate: η 1 is " +
      "the middle of its grid.",
    fullOnly: true,
    ...onNetworks(1),
    definition: (learningRate) => vSgd({ learningRate }),
  },
  {
    name: "sophia",
    title: "Sophia-G",
    family: "published",
    mode: "curvature",
    about:
      "Liu et al. (2023): clipped momentum over Gauss-Newton samples every 10 steps, decay 0.1.",
    fullOnly: true,
    ...onNetworks(0.002),
    definition: (learningRate) => sophia({ learningRate }),
  },
  {
    name: "adahessian",
    title: "AdaHessian",
    family: "published",
    mode: "curvature",
    about:
      "Yao et al. (2021): Adam over the RMS of Hutchinson's diagonal, sampled every 10 steps " +
      "rather than each. Finite differences in tfjs, exact on ONNX Runtime.",
    fullOnly: true,
    ...onNetworks(0.1),
    definition: (learningRate) => adaHessian({ learningRate }),
  },
];
