/**
 * What the threaded build of the wasm backend does, for pages.
 *
 * @module
 */
import { getThreadsCount } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { precond, sgd } from "../mod.ts";

/** Two updates by each of two optimizers, and what they warned of; the weights of the second. */
export async function updateOnce(): Promise<
  { threads: boolean; warnings: string[]; weights: number[] }
> {
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (...args) => void warnings.push(args.join(" "));
  let weights: number[] = [];
  try {
    for (let i = 0; i < 2; i++) {
      const v = tf.variable(tf.tensor1d([2, 2]));
      const optimizer = precond(sgd({ learningRate: 0.5 }));
      const loss = () => tf.sum(tf.mul(tf.square(v), 0.5)) as tf.Scalar;
      for (let k = 0; k < 2; k++) optimizer.minimize(loss, false, [v]);
      weights = [...await v.data()];
      optimizer.dispose();
      v.dispose();
    }
  } finally {
    console.warn = warn;
  }
  // Throws where the build has no threads.
  return { threads: getThreadsCount() > 0, warnings, weights };
}
