/**
 * What runs where the GPU is: in Deno, or in a page.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import { finished, gpuName, startGpu } from "../gpu.ts";
import { gradientTensors, hostContenders, ourContenders } from "./contenders.ts";
import { interleaved } from "./interleaved.ts";
import {
  checkSamples,
  type OverheadCase,
  rowsOf,
  type Runtime,
  type TimedRow,
  type Waits,
} from "./rows.ts";

/** A case on a GPU. */
export interface GpuCase extends OverheadCase {
  readonly runtime: Runtime;
  readonly waits: Waits;
}

/** All rows of one case on webgl or webgpu; steps are timed until the device is done. */
export async function measureGpu(given: GpuCase): Promise<TimedRow[]> {
  const { backend, parameters, variables, samples, waits } = given;
  checkSamples(samples);
  await startGpu(backend);
  const gradients = gradientTensors(parameters, variables);
  const mine = ourContenders(gradients);
  const theirs = hostContenders(gradients);
  try {
    const times = await interleaved([...mine, ...theirs], samples, {
      after: waits,
      wait: ({ variables }) => finished(variables.at(-1)!),
    });
    const rest = { ...given, gpu: gpuName(), wait_ms: times.get("wait")! };
    return mine.flatMap((contender) => rowsOf(contender, times, rest));
  } finally {
    for (const contender of [...mine, ...theirs]) contender.dispose();
    tf.dispose(gradients);
  }
}
