/** @module */
import { add, mul } from "../../graph/emit.ts";
import { float, floatsAttribute, stringsAttribute } from "../../model/attributes.ts";
import type { NodeContext } from "../../graph/rule.ts";

/** An activation function of a recurrent cell. */
export type Activation = (x: string) => string;

/** What α and β are where they are absent: NaN where they must be given, undefined where unused. */
interface Parameters {
  readonly alpha?: number;
  readonly beta?: number;
}

const FUNCTIONS: ReadonlyMap<string, readonly [opType: string, Parameters]> = new Map([
  ["relu", ["Relu", {}]],
  ["tanh", ["Tanh", {}]],
  ["sigmoid", ["Sigmoid", {}]],
  ["softsign", ["Softsign", {}]],
  ["softplus", ["Softplus", {}]],
  ["leakyrelu", ["LeakyRelu", { alpha: 0.01 }]],
  ["elu", ["Elu", { alpha: 1 }]],
  ["hardsigmoid", ["HardSigmoid", { alpha: 0.2, beta: 0.5 }]],
  // The specification and ONNX Runtime differ in what these are without parameters.
  ["thresholdedrelu", ["ThresholdedRelu", { alpha: NaN }]],
  ["affine", ["Affine", { alpha: NaN, beta: NaN }]],
  ["scaledtanh", ["ScaledTanh", { alpha: NaN, beta: NaN }]],
]);

/**
 * The activation functions of a node, those of its first direction first. Each takes its α and β from
 * the front of `activation_alpha` and `activation_beta`, if it has any.
 */
export function activationsOf(n: NodeContext, usual: readonly string[]): readonly Activation[] {
  const names = stringsAttribute(n.node, "activations", undefined) ?? usual;
  if (names.length !== usual.length) {
    n.refuse("unroll", `expected ${usual.length} activations, actual number is ${names.length}`);
  }
  const alphas = [...floatsAttribute(n.node, "activation_alpha", [])];
  const betas = [...floatsAttribute(n.node, "activation_beta", [])];
  return names.map((name) => {
    const found = FUNCTIONS.get(name.toLowerCase());
    if (found === undefined) n.refuse("unroll", `activation "${name}" is not known`);
    const [opType, { alpha, beta }] = found;
    const take = (values: number[], absent: number | undefined, what: string) => {
      if (absent === undefined) return undefined;
      const value = values.shift() ?? absent;
      if (Number.isNaN(value)) n.refuse("unroll", `activation "${name}" is given no ${what}`);
      return value;
    };
    const a = take(alphas, alpha, "activation_alpha");
    const c = take(betas, beta, "activation_beta");
    return (x) => applied(n, opType, x, [a, c]);
  });
}

function applied(
  { b }: NodeContext,
  opType: string,
  x: string,
  [alpha, beta]: readonly (number | undefined)[],
): string {
  switch (opType) {
    case "Affine":
      return add(b, mul(b, x, alpha!), beta!);
    case "ScaledTanh":
      return mul(b, b.op("Tanh", [mul(b, x, beta!)]), alpha!);
    default:
      return b.op(opType, [x], {
        alpha: alpha === undefined ? undefined : float(alpha),
        beta: beta === undefined ? undefined : float(beta),
      });
  }
}
