/**
 * The run, in Node.js as in a tab: scores, training, scores.
 *
 * @module
 */
import { adamW } from "@precond/core";
import { type Ort, Trainer, type TrainerOptions } from "@precond/onnxruntime";
import { batches, losses, type LossName } from "./batches.ts";
import type { Encoder } from "./encoder.ts";
import { score, type Scores } from "./scores.ts";
import type { Group } from "./groups.ts";

/** How to train. */
export interface TuneOptions extends Pick<TrainerOptions, "executionProviders"> {
  readonly loss: LossName;
  readonly steps: number;
  /** Learning rate. */
  readonly rate: number;
  /** Called after every step, and waited for. */
  readonly onStep?: (step: number, loss: number) => void | Promise<void>;
}

/** What came of it. */
export interface Tuned {
  readonly before: Scores;
  readonly after: Scores;
  /** A step's, the first left out, in which sessions warm up. */
  readonly secondsPerStep: number;
}

/** Opens a trainer of the adapters. */
export function openTrainer(
  ort: Ort,
  { model }: Pick<Encoder, "model">,
  { loss, rate, executionProviders }: Pick<TuneOptions, "loss" | "rate" | "executionProviders">,
): Promise<Trainer> {
  return Trainer.create(ort, { model, loss: losses[loss] }, {
    optimizer: adamW({ learningRate: rate }),
    ...(executionProviders === undefined ? {} : { executionProviders }),
  });
}

/** Trains, with scores before and after. */
export async function tune(
  trainer: Trainer,
  encoder: Encoder,
  groups: readonly Group[],
  { loss, steps, onStep }: Omit<TuneOptions, "rate" | "executionProviders">,
): Promise<Tuned> {
  const before = await score(trainer, encoder, groups);
  const source = batches(groups, encoder, { loss });
  let start = 0;
  for (let step = 1; step <= steps; step++) {
    const outcome = await trainer.step(source.next().value);
    if (step === 1) start = performance.now();
    await onStep?.(step, outcome.loss);
  }
  const secondsPerStep = (performance.now() - start) / 1000 / (steps - 1);
  return { before, after: await score(trainer, encoder, groups), secondsPerStep };
}
