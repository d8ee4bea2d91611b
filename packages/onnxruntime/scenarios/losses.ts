/**
 * Losses of a training run, in a page and beside it.
 *
 * @module
 */
import {
  adamW,
  chain,
  type Definition,
  gaussNewton,
  inverseCurvature,
  learningRate,
  momentum,
  scaleBy,
  signalFraction,
} from "@precond/core";
import { type Ort, Trainer, type TrainerOptions } from "../mod.ts";
import type { TestNetwork } from "./networks.ts";

/** Name of an optimizer. */
export type OptimizerName = "adamW" | "combined";

export const optimizers: Readonly<Record<OptimizerName, () => Definition>> = {
  adamW: () => adamW({ learningRate: 1e-3 }),
  combined: () =>
    chain(
      scaleBy(signalFraction()),
      scaleBy(inverseCurvature(gaussNewton({ every: 4 }), { damping: 1e-3 })),
      momentum(),
      learningRate(1e-3),
    ),
};

/** Losses of a few steps, then that of an evaluation. */
export async function lossesOf(
  ort: Ort,
  net: TestNetwork,
  options: TrainerOptions,
  steps: number,
): Promise<number[]> {
  const trainer = await Trainer.create(ort, net, options);
  try {
    const losses: number[] = [];
    for (let step = 0; step < steps; step++) {
      losses.push((await trainer.step(net.feeds(step))).loss);
    }
    losses.push((await trainer.evaluate(net.feeds(steps))).loss);
    return losses;
  } finally {
    await trainer.release();
  }
}
