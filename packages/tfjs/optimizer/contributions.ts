/** @module */
import { type Contribution, isPlain, shown } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import type { TensorEvidence } from "./options.ts";

/** What `tf.Optimizer.applyGradients` takes. */
export type Gradients = Parameters<tf.Optimizer["applyGradients"]>[0];

/** A variable's name and its gradient. */
export type GradientEntry = readonly [name: string, gradient: tf.Tensor];

/**
 * What is there of an array (whose tensors may be undefined) or a map.
 *
 * @throws {TypeError} For what is neither.
 */
export function gradientEntries(gradients: Gradients): GradientEntry[] {
  if (!Array.isArray(gradients) && !isPlain(gradients)) {
    throw new TypeError(
      "Cannot apply gradients: they must be tensors by the names of variables, or a list of " +
        `{ name, tensor }, current value is ${shown(gradients)}`,
    );
  }
  const given: [string, tf.Tensor | undefined][] = Array.isArray(gradients)
    ? gradients.map((entry) => [entry?.name, entry?.tensor])
    : Object.entries(gradients);
  for (const [name, tensor] of given) {
    if (typeof name === "string" && (tensor == null || tensor instanceof tf.Tensor)) continue;
    throw new TypeError(
      `Cannot apply the gradient of ${
        shown(name)
      }: expected the name of a variable and a tensor, ` +
        `current value is ${shown(tensor)}`,
    );
  }
  return given.filter((g): g is [string, tf.Tensor] => g[1] != null);
}

/** The registered variables of these names. */
export function variablesOf(names: readonly string[]): tf.Variable[] {
  return names.map((name) => {
    const variable = tf.engine().registeredVariables[name];
    if (!variable) {
      throw new TypeError(`Cannot apply the gradient of "${name}": there is no such variable`);
    }
    return variable;
  });
}

/**
 * Each variable's share of a step; gradients in the order of the variables.
 *
 * @throws {TypeError} For a wrong shape or dtype, and evidence of other variables.
 */
export function contributionsOf(
  variables: readonly tf.Variable[],
  gradients: readonly GradientEntry[],
  evidence: TensorEvidence,
): Contribution<tf.Tensor>[] {
  for (const kind of ["curvature", "gradientSquares"] as const) {
    const samples: unknown = evidence[kind];
    if (
      samples === undefined || variables.some(({ name }) => isPlain(samples) && name in samples)
    ) {
      continue;
    }
    throw new TypeError(
      `Cannot step: ${kind} must be tensors by the names of variables that step, current value is ${
        isPlain(samples) ? Object.keys(samples) : shown(samples)
      }`,
    );
  }
  return variables.map((variable, i) => {
    const { name, shape } = variable;
    const check = (kind: string, t: tf.Tensor | undefined) => {
      if (t?.isDisposed) throw new TypeError(`Cannot step "${name}": its ${kind} is disposed`);
      if (t && (t.shape?.join() !== shape.join() || t.dtype !== "float32")) {
        throw new TypeError(
          `Cannot step "${name}": its ${kind} has shape [${t.shape}] and dtype ${t.dtype}, expected [${shape}] and float32`,
        );
      }
      return t;
    };
    check("variable", variable);
    return {
      name,
      shape,
      weights: variable,
      gradient: check("gradient", gradients[i]![1])!,
      curvature: check("curvature sample", evidence.curvature?.[name]),
      gradientSquares: check("gradientSquares", evidence.gradientSquares?.[name]),
    };
  });
}
