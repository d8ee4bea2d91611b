/** @module */
import type { Builder } from "../graph/builder.ts";
import {
  DataType,
  type Dim,
  div,
  mul,
  OnnxError,
  product,
  quotient,
  reduceSum,
  reshape,
  square,
  sub,
  transpose,
  where,
} from "../rules/shared/mod.ts";
import type { Loss } from "./loss.ts";

/** A loss between rows of embeddings. */
export type EmbeddingLoss = Extract<
  Loss,
  { readonly type: "cosineEmbedding" | "contrastive" | "triplet" }
>;

/** Whether a loss compares examples with each other. */
export function isEmbeddingLoss(loss: Loss): loss is EmbeddingLoss {
  return loss.type === "cosineEmbedding" || loss.type === "contrastive" || loss.type === "triplet";
}

/**
 * The loss of each pair or triplet.
 *
 * @param declare Declares the labels and gives their name.
 */
export function embeddingLoss(
  b: Builder,
  loss: EmbeddingLoss,
  prediction: string,
  declare: (dataType: DataType, dims: readonly Dim[]) => string,
): string {
  if (loss.type === "triplet") return triplet(b, loss, prediction);
  const [x, y] = rowsOf(b, prediction, 2, [loss.second]) as [string, string];
  const [u, v] = [unit(b, x), unit(b, y)];
  const cosine = reduceSum(b, mul(b, u, v), [1], false);
  if (loss.type === "cosineEmbedding") {
    const { margin = 0 } = loss;
    if (!(margin >= -1 && margin <= 1)) {
      throw new RangeError(
        `Cannot append the cosine embedding loss: margin must be in [−1, 1], current value is ${margin}`,
      );
    }
    const labels = declare(b.dataType(prediction), [b.dims(x)[0]!]);
    const alike = b.op("Greater", [labels, b.scalar(0, labels)]);
    return where(
      b,
      alike,
      sub(b, b.scalar(1, cosine), cosine),
      b.op("Relu", [sub(b, cosine, margin)]),
    );
  }
  const { temperature = 0.05, symmetric = false } = loss;
  requirePositive("contrastive loss", "temperature", temperature);
  const scores = mul(b, b.op("MatMul", [u, transpose(b, v, [1, 0])]), 1 / temperature);
  const own = mul(b, cosine, 1 / temperature);
  const against = (axis: number) =>
    sub(b, b.op("ReduceLogSumExp", [scores, b.ints([axis])], { keepdims: 0 }), own);
  if (!symmetric) return against(1);
  return mul(b, 0.5, b.op("Add", [against(1), against(0)]));
}

function triplet(
  b: Builder,
  { margin = 1, positive, negative }: Extract<Loss, { type: "triplet" }>,
  prediction: string,
): string {
  requirePositive("triplet loss", "margin", margin);
  if ((positive === undefined) !== (negative === undefined)) {
    throw new TypeError("Cannot append the triplet loss: give both positive and negative, or none");
  }
  const [anchor, near, far] = rowsOf(b, prediction, 3, [positive, negative]) as [
    string,
    string,
    string,
  ];
  // As PyTorch's: the square root has a derivative where two embeddings are the same.
  const small = b.dataType(prediction) === DataType.FLOAT16 ? 1e-3 : 1e-6;
  const distance = (other: string) => {
    const r = b.op("Add", [sub(b, anchor, other), b.scalar(small, anchor)]);
    return b.op("Sqrt", [reduceSum(b, square(b, r), [1], false)]);
  };
  const gap = sub(b, distance(near), distance(far));
  return b.op("Relu", [b.op("Add", [gap, b.scalar(margin, gap)])]);
}

/** Embeddings that belong together: of several values, or rows of one in turn. */
function rowsOf(
  b: Builder,
  prediction: string,
  count: number,
  others: readonly (string | undefined)[],
): string[] {
  const dims = matrix(b, prediction);
  if (others[0] !== undefined) {
    for (const other of others) {
      const found = matrix(b, other!);
      if (found[1] === dims[1]) continue;
      throw new OnnxError(
        `Cannot append the loss: embeddings "${prediction}" of shape [${dims}] and "${other}" of ` +
          `[${found}] are of different widths`,
      );
    }
    return [prediction, ...others as string[]];
  }
  const [rows, width] = dims;
  const groups = quotient(rows, count);
  if (groups === undefined && typeof rows === "number") {
    throw new OnnxError(
      `Cannot append the loss to "${prediction}" of shape [${dims}]: rows belong together by ` +
        `${count === 2 ? "twos" : "threes"}, of which ${rows} are no multiple`,
    );
  }
  const shape = typeof width === "number" ? undefined : b.op("Concat", [
    b.ints([-1]),
    b.op("Mul", [b.op("Shape", [prediction], { start: 1 }), b.ints([count])]),
  ], { axis: 0 });
  const beside = reshape(
    b,
    prediction,
    [groups ?? b.freshDim(), product([count, width])],
    typeof width === "number" ? b.ints([-1, count * width]) : shape,
  );
  return b.node("Split", [beside], { axis: 1, num_outputs: count }, { outputs: count });
}

function matrix(b: Builder, name: string): readonly [Dim, Dim] {
  const type = b.type(name);
  if (type === undefined && b.producer(name) === undefined) {
    throw new OnnxError(`Cannot append the loss: the graph has no value "${name}"`);
  }
  const dims = b.dims(name);
  if (dims.length === 2) return dims as readonly [Dim, Dim];
  throw new OnnxError(
    `Cannot append the loss to "${name}" of shape [${dims}]: expected is one embedding a row, a ` +
      `matrix; name the output that is one by output, or add a pooling by extendModel()`,
  );
}

/** Rows of length 1; of a row of zeros zeros. */
function unit(b: Builder, x: string): string {
  const small = b.dataType(x) === DataType.FLOAT16 ? 1e-6 : 1e-12;
  const squares = b.op("ReduceSum", [square(b, x), b.ints([1])], { keepdims: 1 });
  return div(b, x, b.op("Sqrt", [b.op("Add", [squares, b.scalar(small, x)])]));
}

function requirePositive(loss: string, option: string, value: number): void {
  if (value > 0 && value < Infinity) return;
  throw new RangeError(
    `Cannot append the ${loss}: ${option} must be positive, current value is ${value}`,
  );
}
