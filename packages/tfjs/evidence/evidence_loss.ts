/**
 * Losses for `model.compile` that the optimizer can ask for curvature and noise.
 *
 * @module
 */
import { checkOptions, checkValue } from "@precond/core/backend";
import * as kinds from "@precond/core/kinds";
import * as tf from "@tensorflow/tfjs-core";
import { type LossFunction, type LossName, lossNamed } from "./losses.ts";
import { exampleSigns, residuals } from "./residuals.ts";
import { currentSession, hear, type Question } from "./session.ts";

/** Options of {@linkcode evidenceLoss}. */
export interface EvidenceLossOptions {
  /** The model gives logits, not probabilities (cross-entropies only); default false. */
  readonly fromLogits?: boolean;
  /**
   * For a loss that is a function: labels are drawn as for the loss of this name. Default none: signs
   * only.
   */
  readonly like?: LossName;
  /** The axis of predictions and losses that counts the examples; default 0, as in every layers model. */
  readonly batchAxis?: number;
}

/**
 * Zero losses whose gradient is `√(∂L/∂ℓ) · r`, r the residual of drawn labels.
 *
 * With independent residuals of covariance H the squared gradient of the weights then has the mean
 * Σ (∂L/∂ℓ) JᵀHJ, the Gauss-Newton diagonal of the total loss L, whatever means and class weights
 * stand between ℓ and L; for a mean over B examples it is the B · ĝ² of the literature.
 */
function drawnLosses(outputs: tf.Tensor, residual: () => tf.Tensor): tf.Tensor {
  const custom = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const save = args[args.length - 1] as tf.GradSaveFunc;
    save([residual()]);
    return {
      value: tf.zeros(outputs.shape.slice(0, -1)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        tf.mul(saved[0]!, tf.expandDims(tf.sqrt(tf.relu(dy)), -1)),
    };
  });
  return custom(outputs);
}

function signed(
  losses: tf.Tensor,
  axis: number,
  batchSize: number,
  seed: number,
  name: string,
): tf.Tensor {
  if (losses.shape[axis] !== batchSize) {
    throw new TypeError(
      `Cannot tell the examples of the loss "${name}" apart: its shape is [${losses.shape}], expected one loss for each of ${batchSize} examples`,
    );
  }
  const signs = exampleSigns(batchSize, seed);
  return tf.mul(losses, tf.reshape(signs, losses.shape.map((_, k) => k === axis ? batchSize : 1)));
}

const wrapped = new WeakSet<LossFunction>();

/** Whether a loss answers the optimizer. */
export function isEvidenceLoss(loss: LossFunction): boolean {
  return wrapped.has(loss);
}

/**
 * A loss for `model.compile` that also gives evidence: `gaussNewton()` and `fisher()` samples, with
 * labels drawn from the model's own distribution, and `gradientSquares`, from random signs on the
 * losses of the examples. Training is that of the plain loss, to the last bit: it answers only when
 * the optimizer asks, in an extra call.
 *
 * The sample is that of the loss as tfjs defines it, with its mean over the last axis: for
 * `meanSquaredError` over K outputs `gaussNewton()` has the mean (2/K) JᵀJ; `fisher()`, which knows
 * no scale of the loss, JᵀJ. Signs make `B · g̃²` an unbiased estimate of the mean squared gradient
 * of one example; it is noisy (relative deviation √2), so that it wants a long memory.
 *
 * Of a model with several outputs, wrap the loss of each: one that is not wrapped counts as a penalty, part
 * of every example's gradient without noise or curvature.
 *
 * tfjs finds "accuracy" and the label shape of sparse labels by the identity of its own losses:
 * with a function name the metric in full ("sparseCategoricalAccuracy", "binaryAccuracy"), or
 * compile with the name of the loss and use `withEvidence(model)`.
 *
 * @param loss The name of a loss of tfjs-layers, or a function that gives one loss an example.
 * @throws {TypeError} For an unknown name.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as layers from "@tensorflow/tfjs-layers";
 * import { signalNewton, evidenceLoss, gaussNewton, precond } from "@precond/tfjs";
 *
 * const model = layers.sequential();
 * model.add(layers.layers.dense({ units: 3, activation: "softmax", inputShape: [2] }));
 * model.compile({
 *   optimizer: precond(signalNewton({ curvature: gaussNewton({ every: 10 }), from: "gradientSquares" })),
 *   loss: evidenceLoss("categoricalCrossentropy"),
 * });
 * const x = tf.tensor2d([[1, 0], [0, 1], [1, 1]]), y = tf.eye(3);
 * await model.fit(x, y, { epochs: 2, verbose: 0 });
 * ```
 */
export function evidenceLoss(
  loss: LossName | LossFunction,
  options: EvidenceLossOptions = {},
): LossFunction {
  const { fromLogits = false, batchAxis = 0, ...given } = checkOptions(
    "give evidence to the loss",
    options,
    {
      fromLogits: kinds.flag,
      like: kinds.text,
      batchAxis: kinds.integer(0),
    },
  );
  checkValue("give evidence to the loss", loss, kinds.either(kinds.text, kinds.callable), "loss");
  const name = typeof loss === "string" ? loss : undefined;
  if (name !== undefined && given.like !== undefined || !name && fromLogits && !given.like) {
    throw new TypeError(
      name === undefined
        ? "Cannot give evidence to the loss: fromLogits says how labels are drawn, which like is needed for"
        : `Cannot give evidence to the loss: like is for losses that are functions, labels are drawn as for ${name}`,
    );
  }
  const like = typeof loss === "string" ? loss : given.like;
  const plain = typeof loss === "string" ? lossNamed(loss, fromLogits) : loss;
  const title = like ?? (plain.name || "a function");
  const residual = like && residuals[like];
  if (typeof loss !== "string" && like && !residual) {
    throw new TypeError(
      `Cannot draw labels like "${like}": known are ${Object.keys(residuals).join(", ")}`,
    );
  }

  const answer = (question: Question, yTrue: tf.Tensor, yPred: tf.Tensor, output: number) => {
    switch (question.kind) {
      case "loss":
        return plain(yTrue, yPred);
      case "constant":
        return tf.zeros(plain(yTrue, yPred).shape);
      case "signs":
        return signed(
          plain(yTrue, yPred),
          batchAxis,
          yPred.shape[batchAxis]!,
          question.seed,
          title,
        );
      case "labels": {
        const { source, seed } = question;
        if (!residual) {
          throw new TypeError(
            `Cannot draw labels for the loss "${title}": it belongs to no distribution; use hutchinson(), empiricalFisher()${
              typeof loss === "string" ? "" : ", or the option like"
            }`,
          );
        }
        // 7: each output of a model has draws of its own.
        const draw = { source, fromLogits, seed: seed + 7 * output };
        return drawnLosses(yPred, () => tf.tidy(() => residual(yPred, draw)));
      }
    }
  };
  const evidence: LossFunction = (yTrue, yPred) => {
    const session = currentSession();
    if (!session) return plain(yTrue, yPred);
    hear(session, yPred.shape[batchAxis]!);
    return answer(session.question, yTrue, yPred, session.answers++);
  };
  wrapped.add(evidence);
  return evidence;
}
