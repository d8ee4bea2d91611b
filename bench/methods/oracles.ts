/**
 * Methods of the theory problems that are told what no training run can know.
 *
 * @module
 */
import {
  chain,
  inverseCurvature,
  learningRate as rate,
  scaleBy,
  userCurvature,
} from "@precond/core";
import { oracleFactor } from "../problems/oracle.ts";
import { type Method, theory } from "./method.ts";

/** Told the true mean and variance of the gradient. */
export const oracleMethods: readonly Method[] = [
  {
    name: "adam-oracle",
    title: "Adam-like (oracle)",
    family: "oracle",
    mode: "none",
    about: "a/√E[g²] with the true second moment.",
    centre: { theory: 0.05, network: 0.002 },
    settings: theory,
    predictedAs: "adam",
    oracle: true,
    definition: (learningRate) => chain(scaleBy(oracleFactor()), rate(learningRate)),
  },
  {
    name: "snr-oracle",
    title: "SNR only (oracle T)",
    family: "oracle",
    mode: "snr",
    about: "T from the true mean and variance of the gradient.",
    centre: { theory: 1, network: 1 },
    settings: theory,
    predictedAs: "snr",
    oracle: true,
    definition: (learningRate) => chain(scaleBy(oracleFactor()), rate(learningRate)),
  },
  {
    name: "combined-oracle",
    title: "combined (oracle T)",
    family: "oracle",
    mode: "combined",
    about: "The true T, then exact H⁻¹.",
    centre: { theory: 1, network: 0.1 },
    settings: theory,
    predictedAs: "combined",
    oracle: true,
    definition: (learningRate) =>
      chain(
        scaleBy(oracleFactor()),
        scaleBy(inverseCurvature(userCurvature(), { decay: 0, damping: 0 })),
        rate(learningRate),
      ),
  },
];
