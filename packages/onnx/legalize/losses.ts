/** @module */
import { div, mul, neg, reduceSum, unsqueeze } from "../graph/emit.ts";
import { intAttribute } from "../model/attributes.ts";
import type { NodeContext } from "../graph/rule.ts";
import { logSoftmaxOf } from "./decompose.ts";
import type { Narrowing } from "./narrow.ts";

/**
 * SoftmaxCrossEntropyLoss and NegativeLogLikelihoodLoss by their definition: the log-probability is
 * taken at each label, `L_i = −w_{t_i} ℓ_i[t_i]`, 0 where t_i is ignored; a mean is over the sum of
 * the weights that count.
 */
export function classLoss(n: NodeContext, integers: Narrowing): boolean {
  const { b, node } = n;
  const softmax = node.opType === "SoftmaxCrossEntropyLoss";
  if (!softmax && node.opType !== "NegativeLogLikelihoodLoss") return false;
  const x = n.input(0)!;
  const logs = softmax ? logSoftmaxOf(b, x, 1) : x;
  const [loss, log] = [node.output[0]!, node.output[1] ?? ""];
  if (log !== "") b.alias(logs, log);
  const labels = integers.narrow(b, n.input(1)!);
  const type = b.dataType(labels);
  const ignored = intAttribute(node, "ignore_index", undefined);
  let chosen = labels;
  let weight: string | undefined;
  if (ignored !== undefined) {
    const out = b.op("Equal", [labels, b.constant([ignored], type, [])]);
    // The ignored label need not be a class (−100): class 0 instead, with weight 0.
    chosen = b.op("Where", [out, b.constant([0], type, []), labels]);
    weight = b.op("Cast", [b.op("Not", [out])], { to: b.dataType(x) });
  }
  const weights = n.input(2);
  if (weights !== undefined) {
    const each = b.op("Gather", [weights, chosen], { axis: 0 });
    weight = weight === undefined ? each : mul(b, each, weight);
  }
  const taken = b.op("GatherElements", [logs, unsqueeze(b, chosen, [1])], { axis: 1 });
  const reduction = n.string("reduction", "mean");
  if (weight === undefined && reduction !== "none") {
    const whole = reduction === "mean" ? "ReduceMean" : "ReduceSum";
    b.alias(neg(b, b.op(whole, [taken], { keepdims: 0 })), loss);
    return true;
  }
  const flat = neg(b, b.op("Squeeze", [taken, b.ints([1])]));
  const losses = weight === undefined ? flat : mul(b, flat, weight);
  if (reduction === "none") b.alias(losses, loss);
  else {
    const sum = reduceSum(b, losses, undefined, false);
    b.alias(
      reduction === "sum" ? sum : div(b, sum, reduceSum(b, weight!, undefined, false)),
      loss,
    );
  }
  return true;
}
