/** @module */
import {
  add,
  axisOf,
  castLike,
  float,
  inverseRoot,
  makeAttribute,
  mul,
  nodeContext,
  standardized,
  widened,
} from "../shared/mod.ts";
import { batchNormalizations } from "./batch_normalization.ts";
import type { NodeContext, OperatorRule } from "../../graph/rule.ts";

/** Name of an output, undefined where it is absent. */
const outputOf = (n: NodeContext, index: number) => n.node.output[index] || undefined;

/** `y = s x r`, `r = 1/√(mean x² + ε)` over the axes from one on; r is an output too. */
function appendSimplified(
  n: NodeContext,
  x: string,
  { scale, axis, inverse }: { scale: string; axis: number; inverse: string | undefined },
): void {
  const { b, node } = n;
  const wide = widened(b, x);
  const from = axisOf(n, axis, b.dims(x).length);
  const epsilon = n.float("epsilon", 1e-5);
  const { xhat, r } = standardized(b, wide, { axis: from, epsilon, centred: false });
  const narrow = castLike(b, xhat, x);
  b.node("Mul", [narrow, castLike(b, scale, x)], {}, { outputs: [node.output[0]!] });
  if (inverse !== undefined) b.alias(r, inverse);
}

/**
 * LayerNormalization without the mean. It is in the standard domain, where ONNX Runtime had it before
 * there was an RMSNormalization.
 */
const simplified: OperatorRule = {
  opType: "SimplifiedLayerNormalization",
  since: 1,
  upgrade: (n) => {
    const options = { scale: n.input(1)!, axis: n.int("axis", -1), inverse: outputOf(n, 1) };
    appendSimplified(n, n.input(0)!, options);
    return true;
  },
};

/** `x + k (+ c)`, which is the last output too. */
function sumOf(n: NodeContext, bias: number): string {
  const { b } = n;
  const sum = add(b, n.input(0)!, n.input(1)!);
  const shift = n.input(bias);
  const total = shift === undefined ? sum : add(b, sum, shift);
  const output = outputOf(n, 3);
  if (output !== undefined) b.alias(total, output);
  return total;
}

/** LayerNormalization of `x + k + c`. */
const skip: OperatorRule = {
  opType: "SkipLayerNormalization",
  domain: "com.microsoft",
  since: 1,
  upgrade: (n) => {
    const statistics = [outputOf(n, 1) ?? "", outputOf(n, 2) ?? ""];
    while (statistics.at(-1) === "") statistics.pop();
    n.b.node("LayerNormalization", [sumOf(n, 4), n.input(2), n.input(3)], {
      axis: -1,
      epsilon: float(n.float("epsilon", 1e-12)),
    }, { outputs: [n.node.output[0]!, ...statistics] });
    return true;
  },
};

/** SimplifiedLayerNormalization of `x + k + c`. */
const skipSimplified: OperatorRule = {
  opType: "SkipSimplifiedLayerNormalization",
  domain: "com.microsoft",
  since: 1,
  upgrade: (n) => {
    const options = { scale: n.input(2)!, axis: -1, inverse: outputOf(n, 2) };
    appendSimplified(n, sumOf(n, 3), options);
    return true;
  },
};

/**
 * BatchNormalization in training mode with the batch's μ and `1/√(σ² + ε)` as outputs 3 and 4, for
 * the gradient kernel.
 */
const batchInternal: OperatorRule = {
  opType: "BatchNormInternal",
  domain: "com.microsoft",
  since: 1,
  constants: [3, 4],
  upgrade: (n) => {
    const { b, node } = n;
    const epsilon = n.float("epsilon", 1e-5);
    const standard = {
      ...node,
      opType: "BatchNormalization",
      domain: "",
      output: node.output.slice(0, 3),
      attribute: [
        makeAttribute("epsilon", float(epsilon)),
        makeAttribute("momentum", float(n.float("momentum", 0.9))),
        makeAttribute("training_mode", 1),
      ],
    };
    const [rule] = batchNormalizations;
    if (rule?.upgrade?.(nodeContext(standard, b, b.opset)) !== true) b.append(standard);
    const [mean, inverse] = [outputOf(n, 3), outputOf(n, 4)];
    if (mean === undefined && inverse === undefined) return true;
    const x = n.input(0)!;
    const axes = b.ints(b.dims(x).map((_, k) => k).filter((k) => k !== 1));
    const average = (value: string) => b.op("ReduceMean", [value, axes], { keepdims: 1 });
    const flat = (value: string) => b.op("Reshape", [value, b.ints([-1])]);
    const centre = average(x);
    if (mean !== undefined) b.alias(flat(centre), mean);
    if (inverse !== undefined) {
      const off = b.op("Sub", [x, centre]);
      b.alias(flat(inverseRoot(b, average(mul(b, off, off)), epsilon)), inverse);
    }
    return true;
  },
};

/** Normalizations of ONNX Runtime's training artifacts. */
export const contributedNormalizations: readonly OperatorRule[] = [
  simplified,
  skip,
  skipSimplified,
  batchInternal,
];
