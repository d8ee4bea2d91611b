/**
 * Epochs.
 *
 * @module
 */
import { kindOf } from "../engine/feeds/kind_of.ts";
import type { Feeds } from "../hosts/ort.ts";
import { checkFitOptions } from "./check_options.ts";
import type { Trainer } from "./trainer_interface.ts";
import type { Batches, FitOptions, Progress } from "./options.ts";

/** Steps over all batches, epoch by epoch; what is thrown ends it, the trainer stays usable. */
export async function fitTrainer(
  trainer: Pick<Trainer, "step">,
  batches: Batches,
  options?: FitOptions,
): Promise<Progress | undefined> {
  const { epochs = 1, onStep, onEpoch, signal, batchSize } = checkFitOptions(options);
  let progress: Progress | undefined;
  for (let epoch = 0; epoch < epochs; epoch++) {
    let step = 0;
    let sum = 0;
    if (signal?.aborted) return progress;
    for await (const feeds of iterableOf(batches)) {
      if (signal?.aborted) return progress;
      const size = typeof batchSize === "function" ? batchSize(feeds) : batchSize;
      const { loss } = await trainer.step(feeds, size === undefined ? {} : { batchSize: size });
      step++;
      sum += loss;
      progress = { epoch, step, loss, meanLoss: sum / step };
      await onStep?.(progress);
      // Not after the next batch, which may never come.
      if (signal?.aborted) return progress;
    }
    if (step === 0) {
      throw new TypeError(
        `Cannot fit: epoch ${epoch} has no batches; give an array or a function, ` +
          `an iterator runs out after one epoch`,
      );
    }
    await onEpoch?.(progress!);
  }
  return progress;
}

function iterableOf(batches: Batches): Iterable<Feeds> | AsyncIterable<Feeds> {
  const given = typeof batches === "function" ? batches() : batches;
  // What is not typed may be anything: one batch, an array's promise, a path.
  const iterable = given as Partial<Iterable<Feeds> & AsyncIterable<Feeds>> | null | undefined;
  if (
    typeof given !== "string" && (iterable?.[Symbol.iterator] ?? iterable?.[Symbol.asyncIterator])
  ) {
    return given;
  }
  throw new TypeError(
    `Cannot fit: batches must be ${
      typeof batches === "function" ? "a function that returns " : ""
    }something to iterate over, such as an array of feeds, given is ${kindOf(given)}`,
  );
}
