/**
 * Gradients through a layer against central differences.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  alongVectors,
  normals,
  normalTensor,
  productError,
  read,
} from "../../second_order/_testing.ts";
import { type LayerCase, modelOf, nameOf } from "./layer_case.ts";

/** A layer in a loss, with its variables: the trainable ones, and the inputs unless they are indices. */
interface LayerLoss {
  readonly variables: tf.Variable[];
  /** `Σ a (y − t)²` */
  readonly loss: () => tf.Scalar;
  /** The same, summed in float64. */
  readonly exact: () => Promise<Float64Array>;
  readonly dispose: () => void;
}

/** Sets up a case on the active backend; the same numbers on every one. */
export function lossOfLayer(test: LayerCase): LayerLoss {
  const model = modelOf(test);
  const inputs = test.inputs.map((shape, i) => {
    const raw = normals(tf.util.sizeFromShape(shape), 11 + i);
    const values = test.indices
      ? raw.map((_, k) => (3 * k + i) % 7)
      : raw.map((x, k, { length }) => test.domain ? test.domain(x, k, length) : x);
    return tf.tidy(() => tf.variable(tf.tensor(values, shape)));
  });
  const weights = model.trainableWeights.map((weight, i) => {
    const w = weight.read() as tf.Variable;
    const lift = w.rank === 1 ? test.lift ?? 0 : 0;
    const start = tf.tidy(() => tf.add(tf.mul(normalTensor(w.shape, 31 + i), 0.3), lift));
    w.assign(start);
    start.dispose();
    return w;
  });
  const output = () => {
    const y = model.apply(inputs.length === 1 ? inputs[0]! : inputs, { training: true });
    return y as tf.Tensor;
  };
  const y = tf.tidy(output), [a, t] = [normals(y.size, 77), normals(y.size, 78)];
  const [factors, targets] = [tf.tensor(a, y.shape), tf.tensor(t, y.shape)];
  y.dispose();
  return {
    variables: [...weights, ...(test.indices ? [] : inputs)],
    loss: () =>
      tf.tidy(() => tf.sum(tf.mul(factors, tf.square(tf.sub(output(), targets)))) as tf.Scalar),
    exact: async () => {
      const y = tf.tidy(output);
      const values = await y.data<"float32">();
      y.dispose();
      return Float64Array.of(values.reduce((sum, v, i) => sum + a[i]! * (v - t[i]!) ** 2, 0));
    },
    dispose: () => {
      model.dispose();
      tf.dispose([inputs, factors, targets]);
    },
  };
}

/**
 * How far the gradient by any variable is from central differences along two directions, relatively
 * to the whole gradient.
 *
 * @throws {unknown} What TensorFlow.js throws where it has no gradient.
 */
export async function firstOrderError(test: LayerCase): Promise<number> {
  const { variables, loss, exact, dispose } = lossOfLayer(test);
  try {
    const { value, grads } = tf.variableGrads(loss, variables);
    const all = await read(grads, variables);
    let worst = 0;
    for (const v of variables) {
      const g = await read(grads, [v]);
      for (const seed of [3, 5]) {
        const vectors = { [v.name]: normalTensor(v.shape, seed) };
        const [slope] = await alongVectors(exact, [v], vectors, 5e-3);
        const direction = await read(vectors, [v]);
        const product = g.reduce((sum, x, i) => sum + x * direction[i]!, 0);
        const error = Math.abs(product - slope!) / Math.hypot(...all, 1e-30);
        if (!(error <= worst)) worst = error;
        tf.dispose(vectors);
      }
    }
    tf.dispose([value, grads]);
    return worst;
  } finally {
    dispose();
  }
}

/** How far products with the Hessian are from central differences of gradients. */
export async function secondOrderError(test: LayerCase): Promise<number> {
  const { variables, loss, dispose } = lossOfLayer(test);
  try {
    return await productError(loss, variables);
  } finally {
    dispose();
  }
}

/** What came of a layer on a backend. */
export interface Cell {
  readonly state: "right" | "wrong" | "refused";
  /** The error's message, or how far it is off. */
  readonly detail: string;
}

/** Float32 central differences reach 1e-4 to 1e-3; what tfjs has wrong is off by more than 1e-2. */
const tolerance = 3e-3;

/** Tries a case on the active backend. */
export async function tryLayer(
  test: LayerCase,
  error: (test: LayerCase) => Promise<number>,
): Promise<Cell> {
  try {
    const off = await error(test);
    return { state: off <= tolerance ? "right" : "wrong", detail: off.toExponential(1) };
  } catch (thrown) {
    return { state: "refused", detail: `${nameOf(test)}: ${(thrown as Error).message}` };
  }
}
