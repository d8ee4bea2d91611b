/** @module */

/** What every loss takes. */
export interface LossTarget {
  /** The output of the model that is compared with the labels. Default: the first. */
  readonly output?: string;
  /** Instead of an output: any value of the graph, such as the logits before a Softmax. */
  readonly prediction?: string;
  /** Name of the graph input for the labels. Default: "labels". */
  readonly labels?: string;
  /** Mean over all elements (for cross-entropy: the weighted mean over examples) or sum. */
  readonly reduction?: "mean" | "sum";
}

/**
 * A loss between an output of the model and labels:
 *
 * - `crossEntropy`: `−log softmax(z)[label]` of logits z, labels are int64 class indices; classes lie
 *   along `axis` (default 1, as in ONNX; −1 for language models), examples along all others;
 * - `binaryCrossEntropy`: `log(1 + eᶻ) − y z`, on logits;
 * - `mse`: `(y − t)²`, `l1`: `|y − t|`;
 * - `huber`: `r²/2` where `|r| ≤ δ`, else `δ (|r| − δ/2)`;
 * - `distillation`: `T² Σ_c p_c (log p_c − log q_c)` of q = softmax(z/T) and p = softmax(t/T), the labels
 *   t being logits of a teacher, shaped as the prediction; classes and examples as in cross-entropy.
 *   Hinton et al., "Distilling the knowledge in a neural network" (2015).
 *
 * Losses between embeddings, one a row. Which rows belong together: rows 0 and 1, 2 and 3, … of the
 * prediction (of triplets 0, 1, 2, …), or row k of the values that are named. With cos(x, y) =
 * `x·y / √((x·x + ε)(y·y + ε))`, ε = 1e-12, mean or sum over pairs:
 *
 * - `cosineEmbedding`: `1 − cos(x, y)` where the label of the pair is 1, `max(0, cos(x, y) − margin)` where
 *   it is −1; labels are floats `[pairs]`;
 * - `contrastive` (InfoNCE): `log Σ_j exp(cos(x_k, y_j)/τ) − cos(x_k, y_k)/τ`: of all y in the batch, y_k is
 *   x_k's. No labels. van den Oord et al., "Representation learning with contrastive predictive coding"
 *   (2018);
 * - `triplet`: `max(0, ‖a − p + ε‖ − ‖a − n + ε‖ + margin)` of anchor, positive and negative, ε = 1e-6. No
 *   labels. Schroff et al., "FaceNet" (2015), with distances instead of their squares, as PyTorch.
 *
 * These compare examples with each other: optimizers that need the gradients of single examples, or
 * Gauss-Newton samples, are refused.
 */
export type Loss =
  & LossTarget
  & (
    | {
      readonly type: "crossEntropy";
      /** As in `binaryCrossEntropy`. */
      readonly fromLogits?: true;
      /** One weight a class. */
      readonly weights?: readonly number[];
      /** Label of examples that do not count. */
      readonly ignoreIndex?: number;
      readonly axis?: number;
      /**
       * The share ε of a label that is spread over all classes:
       * `(1 − ε) (−log p[label]) + ε mean_c (−log p[c])`. Not together with weights. Default 0.
       */
      readonly labelSmoothing?: number;
    }
    | {
      readonly type: "binaryCrossEntropy";
      /** Both cross-entropies are of logits, always: for those who like to say so. */
      readonly fromLogits?: true;
    }
    | { readonly type: "mse" }
    | { readonly type: "l1" }
    | { readonly type: "huber"; /** Default 1. */ readonly delta?: number }
    | {
      readonly type: "distillation";
      /** T. Default 1. */
      readonly temperature?: number;
      readonly axis?: number;
    }
    | {
      readonly type: "cosineEmbedding";
      /** What pairs that are not alike may have for a cosine. Default 0. */
      readonly margin?: number;
      /** The value of the graph with the y of each x. Default: every second row. */
      readonly second?: string;
    }
    | {
      readonly type: "contrastive";
      /** τ. Default 0.05. */
      readonly temperature?: number;
      /** Whether it is the mean of both directions, x among all x too. Default false. */
      readonly symmetric?: boolean;
      /** The value of the graph with the y of each x. Default: every second row. */
      readonly second?: string;
    }
    | {
      readonly type: "triplet";
      /** Default 1. */
      readonly margin?: number;
      /** Values of the graph with positive and negative of each anchor. Default: rows by threes. */
      readonly positive?: string;
      readonly negative?: string;
    }
  );
