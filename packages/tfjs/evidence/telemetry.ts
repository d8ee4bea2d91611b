/**
 * What a report needs of one variable, computed on the device.
 *
 * @module
 */
import { telemetry } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";

export type { ClippedReport, NoiseReport, TelemetryOptions, TelemetryReport } from "@precond/core";

/** What is computed on the device for a variable: one small tensor. */
export function summarise(
  { fraction, signal, noise, gradient }: Readonly<
    Record<"fraction" | "signal" | "noise" | "gradient", tf.Tensor>
  >,
): tf.Tensor1D {
  return tf.tidy(() => {
    const below = telemetry.thresholds.map((t) =>
      tf.sum(tf.cast(tf.lessEqual(fraction, t), "float32"))
    );
    const known = tf.greater(noise, 0);
    const ratio = tf.where(known, tf.div(tf.square(gradient), noise), tf.zerosLike(noise));
    const noisy = tf.sum(tf.cast(known, "float32"));
    // A gradient without any noise speaks against stopping, and noise that was never seen for nothing.
    const certain = tf.sum(tf.cast(
      tf.logicalAnd(tf.logicalNot(known), tf.notEqual(gradient, 0)),
      "float32",
    ));
    return tf.stack(
      [tf.sum(signal), tf.sum(noise), tf.sum(ratio), noisy, certain, ...below],
    ) as tf.Tensor1D;
  });
}
