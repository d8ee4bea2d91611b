/** @module */
import {
  castLike,
  channels,
  countOf,
  div,
  expandLike,
  float,
  inverseRoot,
  mul,
  neg,
  reduceSum,
  sub,
  widened,
} from "../shared/mod.ts";
import type { Builder } from "../../graph/builder.ts";
import type { GradientContext, NodeContext, OperatorRule } from "../../graph/rule.ts";

const isTraining = (n: NodeContext) => n.int("training_mode", 0) !== 0;

/**
 * `y = s (x − μ) r + c`, `r = 1/√(σ² + ε)` per channel: μ and σ² are inputs, or in training mode
 * those of the batch; then `m μ_running + (1 − m) μ` and the same of σ² are outputs 1 and 2.
 */
const batchNormalization: OperatorRule = {
  opType: "BatchNormalization",
  since: 7,
  constants: [3, 4],
  upgrade: brought,
  infer: (n) => {
    const [type, mean, variance] = [n.type(0), n.type(3), n.type(4)];
    return type === undefined ? [] : [type, mean, variance];
  },
  gradient: (n) => isTraining(n) ? trainingGradient(n) : inferenceGradient(n),
};

/** To the form of opset 14 and later, in the mode that was asked for. */
function brought(n: NodeContext): boolean {
  const { b, node } = n;
  if (n.opset < 9 && n.int("spatial", 1) === 0) n.refuse("read", "spatial is 0");
  const named = (k: number) => (node.output[k] ?? "") === "" ? undefined : node.output[k]!;
  // Before opset 14 it was the number of outputs that told.
  const given = n.opset >= 14 ? isTraining(n) : [1, 2, 3, 4].some((k) => named(k) !== undefined);
  const training = b.training ?? given;
  if (n.opset >= 14 && !training && !given) return false;
  const inputs = [0, 1, 2, 3, 4].map((k) => n.input(k)!);
  const epsilon = float(n.float("epsilon", 1e-5));
  if (!training) {
    b.node("BatchNormalization", inputs, { epsilon }, { outputs: [node.output[0]!] });
    // Statistics that nothing updates.
    for (const k of [1, 2]) if (named(k) !== undefined) b.alias(inputs[k + 2]!, named(k)!);
    return true;
  }
  const momentum = float(n.float("momentum", 0.9));
  const updated = [1, 2].map((k) => named(k) ?? b.fresh(`${inputs[k + 2]}_updated`));
  b.node("BatchNormalization", inputs, { epsilon, momentum, training_mode: 1 }, {
    outputs: [node.output[0]!, ...updated],
  });
  updated.forEach((name, k) => {
    const statistic = inputs[k + 3]!;
    let to = name;
    if (named(k + 1) !== undefined) {
      to = b.fresh(`${statistic}_updated`);
      b.alias(name, to);
    }
    b.statistics.set(statistic, to);
  });
  if (named(3) !== undefined || named(4) !== undefined) {
    const { mean, variance } = batchStatistics(b, inputs[0]!);
    const flat = (value: string) => b.op("Reshape", [value, b.ints([-1])]);
    if (named(3) !== undefined) b.alias(flat(mean), named(3)!);
    if (named(4) !== undefined) b.alias(flat(variance), named(4)!);
  }
  return true;
}

/** All axes but the channels'. */
const acrossOf = (rank: number) => Array.from({ length: rank }, (_, k) => k).filter((k) => k !== 1);

/** Mean and variance (over, not under by one) per channel, and the centred value. */
function batchStatistics(b: Builder, x: string) {
  const axes = acrossOf(b.dims(x).length);
  const count = countOf(b, x, axes);
  const mean = b.op("ReduceMean", [x, b.ints(axes)], { keepdims: 1 });
  const centred = sub(b, x, mean);
  const variance = div(
    b,
    b.op("ReduceSumSquare", [centred, b.ints(axes)], { keepdims: 1 }),
    count,
  );
  return { axes, count, mean, centred, variance };
}

/** `∂x = s r (∂y − ⟨∂y⟩ − (x − μ) r² ⟨∂y (x − μ)⟩)`, `∂s = r Σ ∂y (x − μ)`, `∂c = Σ ∂y`. */
function trainingGradient(n: GradientContext): (string | undefined)[] {
  if (n.cotangents[1] !== undefined || n.cotangents[2] !== undefined) {
    n.refuse("differentiate", "the loss depends on its running statistics");
  }
  const { b } = n;
  const [x, dy] = [widened(b, n.input(0)!), widened(b, n.cotangent())];
  const { axes, count, centred, variance } = batchStatistics(b, x);
  const r = inverseRoot(b, variance, n.float("epsilon", 1e-5));
  const level = reduceSum(b, dy, axes, true);
  const along = reduceSum(b, mul(b, dy, centred), axes, true);
  const dx = () => {
    const s = channels(b, castLike(b, n.input(1)!, x), b.dims(x).length);
    const slope = div(b, mul(b, along, mul(b, r, r)), count);
    const bracket = sub(b, sub(b, dy, div(b, level, count)), mul(b, centred, slope));
    return castLike(b, mul(b, bracket, mul(b, s, r)), n.input(0)!);
  };
  return [
    n.wants(0) ? dx() : undefined,
    n.wants(1) ? perChannel(n, mul(b, along, r), 1) : undefined,
    n.wants(2) ? perChannel(n, level, 2) : undefined,
  ];
}

/** A sum with the other axes as ones as a vector like an input. */
function perChannel(n: GradientContext, value: string, index: number): string {
  const like = n.input(index)!;
  const flat = n.b.op("Reshape", [castLike(n.b, value, like), n.b.ints([-1])]);
  n.b.declare(flat, n.b.type(like)!);
  return flat;
}

/** `∂x = s r ∂y`, `∂s = r Σ ∂y (x − μ)`, `∂c = Σ ∂y`, `∂μ = −s r ∂c`, `∂σ² = −½ s r² ∂s`. */
function inferenceGradient(n: GradientContext): (string | undefined)[] {
  const { b } = n;
  const [x, dy] = [widened(b, n.input(0)!), widened(b, n.cotangent())];
  const [s, mean, variance] = [1, 3, 4].map((k) => castLike(b, n.input(k)!, x)) as [
    string,
    string,
    string,
  ];
  const rank = b.dims(x).length;
  const axes = acrossOf(rank);
  const r = inverseRoot(b, variance, n.float("epsilon", 1e-5));
  const slope = mul(b, s, r);
  const level = () => reduceSum(b, dy, axes, false);
  const along = () => {
    const centred = sub(b, x, channels(b, mean, rank));
    return mul(b, reduceSum(b, mul(b, dy, centred), axes, false), r);
  };
  const like = (value: string, k: number) =>
    castLike(b, expandLike(b, value, n.input(k)!), n.input(k)!);
  return [
    n.wants(0) ? castLike(b, mul(b, dy, channels(b, slope, rank)), n.input(0)!) : undefined,
    n.wants(1) ? like(along(), 1) : undefined,
    n.wants(2) ? like(level(), 2) : undefined,
    n.wants(3) ? like(neg(b, mul(b, slope, level())), 3) : undefined,
    n.wants(4) ? like(mul(b, mul(b, mul(b, slope, r), along()), -0.5), 4) : undefined,
  ];
}

/** Normalization over a batch. */
export const batchNormalizations: readonly OperatorRule[] = [batchNormalization];
