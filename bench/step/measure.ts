/** @module */
import "@tensorflow/tfjs-layers"; // registers the gradients
import * as tf from "@tensorflow/tfjs-core";
import { finished, gpuBackends, gpuName, startGpu } from "../gpu.ts";
import { interleaved } from "../overhead/interleaved.ts";
import { checkSamples } from "../overhead/rows.ts";
import { digitBatches, stepContenders } from "./contenders.ts";
import { type StepCase, type StepRow, stepRows } from "./rows.ts";

/** All rows of one case, in whatever has its backend: Deno or a page. */
export async function measureStep(given: StepCase): Promise<StepRow[]> {
  const { backend, sizes, samples, waits } = given;
  checkSamples(samples);
  const onGpu = gpuBackends.includes(backend);
  if (onGpu) await startGpu(backend);
  else await tf.setBackend(backend);
  await tf.ready();
  const batches = digitBatches(given);
  const contenders = stepContenders(sizes, batches);
  try {
    const times = await interleaved(
      contenders,
      samples,
      onGpu
        ? {
          after: waits,
          // The gradients alone change no variable, but are computed in order before this read.
          wait: ({ variables }) => finished(variables.at(-1)!),
        }
        : undefined,
    );
    return stepRows(given, onGpu ? gpuName() : null, times);
  } finally {
    for (const contender of contenders) contender.dispose();
    tf.dispose(batches.flatMap(({ x, y }) => [x, y]));
  }
}
