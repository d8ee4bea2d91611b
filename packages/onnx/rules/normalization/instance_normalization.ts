/** @module */
import {
  add,
  axisOf,
  castLike,
  channels,
  countOf,
  DataType,
  div,
  float,
  mul,
  nonZero,
  reduceSum,
  reshapeLike,
  sameType,
  signOf,
  standardized,
  sub,
  where,
  widened,
} from "../shared/mod.ts";
import type { OperatorRule } from "../../graph/rule.ts";

/**
 * `y = s x̂ + c`, x̂ standardized over the axes from 2 on, s and c one number a channel:
 * `∂x = s r (∂y − ⟨∂y⟩ − x̂ ⟨∂y x̂⟩)`, `∂s = Σ ∂y x̂`, `∂c = Σ ∂y`.
 */
const instanceNormalization: OperatorRule = {
  opType: "InstanceNormalization",
  since: 7,
  infer: sameType,
  gradient: (n) => {
    const { b } = n;
    const [x, s, dy] = [n.input(0)!, n.input(1)!, n.cotangent()].map((v) => widened(b, v)) as [
      string,
      string,
      string,
    ];
    const rank = b.dims(x).length;
    if (rank < 3) n.refuse("differentiate", `its input has shape [${b.dims(x)}]`);
    const { xhat, r, count } = standardized(b, x, {
      axis: 2,
      epsilon: n.float("epsilon", 1e-5),
      centred: true,
    });
    const within = Array.from({ length: rank - 2 }, (_, k) => k + 2);
    // Both sums serve a channel's parameters and every element of the channel.
    const level = reduceSum(b, dy, within, true);
    const along = reduceSum(b, mul(b, dy, xhat), within, true);
    const dx = () => {
      const bracket = sub(
        b,
        sub(b, dy, div(b, level, count)),
        mul(b, xhat, div(b, along, count)),
      );
      return castLike(b, mul(b, bracket, mul(b, r, channels(b, s, rank))), n.input(0)!);
    };
    const overBatch = (value: string, like: string) =>
      castLike(b, reduceSum(b, value, [0, ...within], false), like);
    return [
      n.wants(0) ? dx() : undefined,
      n.wants(1) ? overBatch(along, n.input(1)!) : undefined,
      n.wants(2) ? overBatch(level, n.input(2)!) : undefined,
    ];
  },
};

/**
 * Standardized over groups of channels, then `s x̂ + c`. Rewritten as ONNX Runtime itself would run
 * it: an instance normalization of [N, groups, rest]. Scale and bias are one number a group before
 * opset 21, one a channel since.
 */
const groupNormalization: OperatorRule = {
  opType: "GroupNormalization",
  since: 18,
  upgrade: (n) => {
    const { b, node } = n;
    const [x, s, c] = [n.input(0)!, n.input(1)!, n.input(2)!];
    const groups = n.int("num_groups", 0);
    const epsilon = n.float("epsilon", 1e-5);
    if (groups < 1) n.refuse("read", `num_groups is ${groups}`);
    const dims = b.dims(x);
    const rows = b.op("Reshape", [x, b.ints([0, groups, -1])]);
    const perGroup = n.opset < 21;
    const back = (value: string) => reshapeLike(b, value, x);
    const finish = (value: string, scale: string, bias: string) =>
      b.node("Add", [mul(b, value, scale), bias], {}, { outputs: node.output });
    if (b.dataType(x) === DataType.DOUBLE) {
      // InstanceNormalization has no double kernel.
      const { xhat } = standardized(b, rows, { axis: 2, epsilon, centred: true });
      if (perGroup) {
        b.alias(back(add(b, mul(b, xhat, channels(b, s, 3)), channels(b, c, 3))), node.output[0]!);
      } else {
        finish(back(xhat), channels(b, s, dims.length), channels(b, c, dims.length));
      }
      return true;
    }
    const plain = (value: number) => b.op("Expand", [b.scalar(value, x), b.ints([groups])]);
    const [scale, bias] = perGroup ? [s, c] : [plain(1), plain(0)];
    const y = b.op("InstanceNormalization", [rows, scale, bias], { epsilon: float(epsilon) });
    if (perGroup) b.alias(back(y), node.output[0]!);
    else finish(back(y), channels(b, s, dims.length), channels(b, c, dims.length));
    return true;
  },
};

/**
 * `y = x / ‖x‖_p` along an axis (0 where the norm is 0): `∂x = (∂y − d Σ y ∂y) / ‖x‖`, with
 * `d = ∂‖x‖/∂x`, that is y for p = 2 and sign x for p = 1.
 */
const lpNormalization: OperatorRule = {
  opType: "LpNormalization",
  since: 7,
  infer: sameType,
  gradient: (n) => {
    const { b, outputs: [y] } = n;
    const [x, dy, p] = [n.input(0)!, n.cotangent(), n.int("p", 2)];
    if (p !== 1 && p !== 2) n.refuse("differentiate", `p is ${p}`);
    const axes = [axisOf(n, n.int("axis", -1), b.dims(x).length)];
    const norm = b.op(p === 1 ? "ReduceL1" : "ReduceL2", [x, b.ints(axes)], { keepdims: 1 });
    const empty = b.op("Equal", [norm, b.scalar(0, x)]);
    const inverse = where(b, empty, b.scalar(0, x), b.op("Reciprocal", [nonZero(b, norm)]));
    const along = reduceSum(b, mul(b, dy, y!), axes, true);
    const direction = p === 1 ? signOf(b, x) : y!;
    return [mul(b, sub(b, dy, mul(b, direction, along)), inverse)];
  },
};

/** `y = (x − μ) / (σ + 10⁻⁹)` over axes (default [0, 2, 3]): rewritten in its parts. */
const meanVarianceNormalization: OperatorRule = {
  opType: "MeanVarianceNormalization",
  since: 9,
  upgrade: (n) => {
    const { b, node } = n;
    const x = n.input(0)!;
    const axes = (n.ints("axes") ?? [0, 2, 3]).map((a) => axisOf(n, a, b.dims(x).length));
    const c = sub(b, x, b.op("ReduceMean", [x, b.ints(axes)], { keepdims: 1 }));
    const count = countOf(b, x, axes);
    const root = typeof count === "number" ? Math.sqrt(count) : b.op("Sqrt", [count]);
    // As a norm σ has a gradient of 0, not NaN, where all x are equal.
    const deviation = div(b, b.op("ReduceL2", [c, b.ints(axes)], { keepdims: 1 }), root);
    b.node("Div", [c, add(b, deviation, 1e-9)], {}, { outputs: node.output });
    return true;
  },
};

/** Normalization over the sizes of an image, of groups of channels, by a norm. */
export const instanceNormalizations: readonly OperatorRule[] = [
  instanceNormalization,
  groupNormalization,
  lpNormalization,
  meanVarianceNormalization,
];
