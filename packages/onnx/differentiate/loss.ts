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
 * - `huber`: `r²/2` where `|r| ≤ δ`, else `δ (|r| − δ/2)`.
 */
export type Loss =
  & LossTarget
  & (
    | {
      readonly type: "crossEntropy";
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
    | { readonly type: "binaryCrossEntropy" }
    | { readonly type: "mse" }
    | { readonly type: "l1" }
    | { readonly type: "huber"; /** Default 1. */ readonly delta?: number }
  );
