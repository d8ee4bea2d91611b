/** @module */
import type { Builder } from "../graph/builder.ts";
import {
  add,
  castLike,
  countOf,
  div,
  expandLike,
  intAttribute,
  isFloating,
  mul,
  neg,
  nonZero,
  sub,
  unsqueeze,
  widened,
  zerosLike,
} from "./shared/mod.ts";
import type { GradientContext, Infer, OperatorRule } from "../graph/rule.ts";

/** The loss: shaped like the labels without a reduction, else a scalar; then the log-probabilities. */
const lossType: Infer = (n) => {
  const type = n.type(0);
  if (type === undefined) return [];
  const none = n.string("reduction", "mean") === "none";
  const dims = none ? n.dims(1) ?? type.dims?.filter((_, k) => k !== 1) : [];
  return [{ dataType: type.dataType, dims }, type];
};

/** What each example's negative log-likelihood is multiplied by in the loss, times ∂loss. */
interface Shares {
  /** Labels [N, 1, …], with a class that exists where an example is ignored. */
  readonly labels: string;
  /** `c_i` as [N, 1, …], or a scalar where all are equal. */
  readonly factor: string;
}

/**
 * `c_i = ∂L w_{t_i}` (0 where t_i is ignored), over `Σ_j w_{t_j}` for a mean, w = 1 without weights.
 */
function sharesOf(n: GradientContext, dloss: string): Shares {
  const { b } = n;
  const reduction = n.string("reduction", "mean");
  if (!["none", "mean", "sum"].includes(reduction)) {
    n.refuse("differentiate", `reduction is "${reduction}"`);
  }
  const given = n.input(1)!;
  const type = b.dataType(given);
  if (isFloating(type)) n.refuse("differentiate", "its labels are not integers");
  const ignored = intAttribute(n.node, "ignore_index", undefined);
  let labels = given;
  let counts: string | undefined;
  if (ignored !== undefined) {
    const out = b.op("Equal", [given, b.constant([ignored], type, [])]);
    // The ignored label need not be a class (−100): class 0 instead, with factor 0.
    labels = b.op("Where", [out, b.constant([0], type, []), given]);
    counts = b.op("Cast", [b.op("Not", [out])], { to: b.dataType(n.input(0)!) });
  }
  const weights = n.input(2);
  let weight: string | undefined = counts;
  if (weights !== undefined) {
    const chosen = b.op("Gather", [weights, labels], { axis: 0 });
    weight = counts === undefined ? chosen : mul(b, chosen, counts);
  }
  const one = (value: string) => unsqueeze(b, value, [1]);
  const rest = { labels: one(labels) };
  if (reduction === "none") {
    return { ...rest, factor: one(weight === undefined ? dloss : mul(b, dloss, weight)) };
  }
  if (weight === undefined) {
    return { ...rest, factor: reduction === "sum" ? dloss : div(b, dloss, examplesOf(n)) };
  }
  if (reduction === "sum") return { ...rest, factor: one(mul(b, weight, dloss)) };
  // Where nothing counts, the loss is 0/0 but its gradient is 0: such a batch changes no parameter.
  const total = nonZero(b, b.op("ReduceSum", [weight], { keepdims: 0 }));
  return { ...rest, factor: one(mul(b, weight, div(b, dloss, total))) };
}

/** The number of labels: of the scores the product of all sizes but the classes'. */
function examplesOf(n: GradientContext) {
  const { b } = n;
  const scores = n.input(0)!;
  return countOf(b, scores, b.dims(scores).flatMap((_, k) => k === 1 ? [] : [k]));
}

/** Adds `−c_i` at each example's label: one value a row is touched, no one-hot matrix is made. */
function minusAtLabels(b: Builder, x: string, { labels, factor }: Shares): string {
  const rows = expandLike(b, neg(b, factor), labels);
  // The CPU's scatter does not add in float16.
  const sum = b.op("ScatterElements", [widened(b, x), labels, widened(b, rows)], {
    axis: 1,
    reduction: "add",
  });
  return castLike(b, sum, x);
}

function refuseWeights(n: GradientContext): void {
  if (n.input(2) !== undefined && n.wants(2)) {
    n.refuse("differentiate", "its class weights cannot be trained");
  }
}

/**
 * `L = Σ_i c_i (−log p_i[t_i])`, `p = softmax(z)` along axis 1:
 * ∂z_i = c_i (p_i − onehot(t_i)); for the second output `ℓ = log p`: ∂z += ∂ℓ − p Σ ∂ℓ.
 */
const softmaxCrossEntropyLoss: OperatorRule = {
  opType: "SoftmaxCrossEntropyLoss",
  since: 12,
  constants: [2],
  infer: lossType,
  gradient: (n) => {
    const { b } = n;
    refuseWeights(n);
    if (!n.wants(0)) return [];
    const [loss, logs] = n.cotangents;
    const log = n.outputs[1] ?? "";
    const p = log === "" ? b.op("Softmax", [n.input(0)], { axis: 1 }) : b.op("Exp", [log]);
    let dz: string | undefined;
    if (loss !== undefined) {
      const shares = sharesOf(n, loss);
      dz = minusAtLabels(b, mul(b, p, shares.factor), shares);
    }
    if (logs !== undefined) {
      const total = b.op("ReduceSum", [logs, b.ints([1])], { keepdims: 1 });
      const more = sub(b, logs, mul(b, p, total));
      dz = dz === undefined ? more : add(b, dz, more);
    }
    return [dz];
  },
};

/** `L = Σ_i c_i (−x_i[t_i])`: ∂x_i = −c_i onehot(t_i). */
const negativeLogLikelihoodLoss: OperatorRule = {
  opType: "NegativeLogLikelihoodLoss",
  since: 12,
  constants: [2],
  infer: lossType,
  gradient: (n) => {
    refuseWeights(n);
    if (!n.wants(0)) return [];
    return [minusAtLabels(n.b, zerosLike(n.b, n.input(0)!), sharesOf(n, n.cotangent()))];
  },
};

/** Losses over class labels. */
export const crossEntropies: readonly OperatorRule[] = [
  softmaxCrossEntropyLoss,
  negativeLogLikelihoodLoss,
];
