/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { copyBandwidth } from "./bandwidth.ts";
import { gradientTensors, hostContenders, ourContenders } from "./contenders.ts";
import { interleaved } from "./interleaved.ts";
import { checkSamples, type OverheadCase, type OverheadRow, rowsOf } from "./rows.ts";

/** All rows of one case on a backend that is done when its calls return: cpu or wasm. */
export async function measure(given: OverheadCase): Promise<OverheadRow[]> {
  const { backend, parameters, variables, samples } = given;
  checkSamples(samples);
  await tf.setBackend(backend);
  await tf.ready();
  const gradients = gradientTensors(parameters, variables);
  const mine = ourContenders(gradients);
  const theirs = hostContenders(gradients);
  try {
    const times = await interleaved([...mine, ...theirs], samples);
    return mine.flatMap((contender) => {
      const { name, bytes } = contender;
      const copied = copyBandwidth(backend === "wasm" ? "wasm" : "javascript", bytes! * parameters);
      const moved = bytes! * parameters / (times.get(name)! / 1e3);
      const rest = { ...given, runtime: "deno", gpu: null, waits: null, wait_ms: null } as const;
      return rowsOf(contender, times, rest).map((row) => ({
        ...row,
        gigabytes_per_second: moved / 1e9,
        copy_gigabytes_per_second: copied / 1e9,
        bandwidth_share: moved / copied,
      }));
    });
  } finally {
    for (const contender of [...mine, ...theirs]) contender.dispose();
    tf.dispose(gradients);
  }
}
