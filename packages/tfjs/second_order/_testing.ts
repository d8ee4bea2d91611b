/**
 * Helpers of the second-order tests.
 *
 * @module
 */
import { random } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-layers";
import { hessianVectorProduct } from "./mod.ts";

/** Seeded standard normal numbers. */
export function normals(n: number, seed: number): Float32Array {
  const { normal } = random(seed);
  return Float32Array.from({ length: n }, normal);
}

/** A tensor of them. */
export function normalTensor(shape: number[], seed: number): tf.Tensor {
  return tf.tensor(normals(tf.util.sizeFromShape(shape), seed), shape);
}

/** One vector per variable. */
export function randomVectors(variables: readonly tf.Variable[], seed: number): tf.NamedTensorMap {
  return Object.fromEntries(
    variables.map((v, i) => [v.name, normalTensor(v.shape, seed + 97 * i)]),
  );
}

/** Calls `f` with the variables at w + step · v, and puts w back. */
async function at<T>(
  variables: readonly tf.Variable[],
  vectors: tf.NamedTensorMap,
  step: number,
  f: () => Promise<T>,
): Promise<T> {
  const saved = variables.map((v) => v.clone());
  try {
    variables.forEach((v, i) => {
      const moved = tf.tidy(() => tf.add(saved[i]!, tf.mul(vectors[v.name]!, step)));
      v.assign(moved);
      moved.dispose();
    });
    return await f();
  } finally {
    variables.forEach((v, i) => {
      v.assign(saved[i]!);
      saved[i]!.dispose();
    });
  }
}

/**
 * The derivative of `f` along the vectors in the variables: `(8(f₊ − f₋) − (f₊₊ − f₋₋))/12h`, whose
 * error is O(h⁴) from the formula and 1e-7/h from float32.
 */
export async function alongVectors(
  f: () => Promise<Float64Array>,
  variables: readonly tf.Variable[],
  vectors: tf.NamedTensorMap,
  h: number,
): Promise<Float64Array> {
  const found: Float64Array[] = [];
  for (const k of [-2, -1, 1, 2]) found.push(await at(variables, vectors, k * h, f));
  const [a, b, c, d] = found as [Float64Array, Float64Array, Float64Array, Float64Array];
  return a.map((_, i) => (8 * (c[i]! - b[i]!) - (d[i]! - a[i]!)) / (12 * h));
}

/** All values of a map of tensors, in the order of the variables; webgpu has no other way. */
export async function read(
  map: tf.NamedTensorMap,
  variables: readonly tf.Variable[],
): Promise<Float64Array> {
  const parts = await Promise.all(variables.map((v) => map[v.name]!.data()));
  return Float64Array.from(parts.flatMap((part) => [...part]));
}

/** The same at once. */
export function flat(map: tf.NamedTensorMap, variables: readonly tf.Variable[]): Float64Array {
  return Float64Array.from(variables.flatMap((v) => [...map[v.name]!.dataSync()]));
}

/** The first gradients, by tfjs alone. */
export function plainGradients(f: () => tf.Scalar, variables: tf.Variable[]): Float64Array {
  const { value, grads } = tf.variableGrads(f, variables);
  const values = flat(grads, variables);
  tf.dispose([value, grads]);
  return values;
}

/** The largest |a − b| over the largest |b|. */
export function relativeError(a: Float64Array, b: Float64Array): number {
  const largest = (values: Float64Array) => values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const scale = largest(b), error = largest(a.map((v, i) => v - b[i]!));
  return error === 0 ? 0 : a.some(Number.isNaN) ? NaN : error / scale;
}

/** How far H v is from the derivative of the gradient along v. */
export async function productError(
  f: () => tf.Scalar,
  variables: tf.Variable[],
  options: { readonly seed?: number; readonly h?: number } = {},
): Promise<number> {
  const { seed = 5, h = 1e-2 } = options;
  const vectors = randomVectors(variables, seed);
  const { value, gradients, products } = hessianVectorProduct(f, variables, vectors);
  const expected = await alongVectors(
    () => hessianGradients(f, variables, vectors),
    variables,
    vectors,
    h,
  );
  const error = relativeError(await read(products, variables), expected);
  tf.dispose([value, gradients, products, vectors]);
  return error;
}

/** The gradients that `hessianVectorProduct` gives; they differ from tfjs's where it is wrong. */
async function hessianGradients(
  f: () => tf.Scalar,
  variables: tf.Variable[],
  vectors: tf.NamedTensorMap,
): Promise<Float64Array> {
  const result = hessianVectorProduct(f, variables, vectors);
  const values = await read(result.gradients, variables);
  tf.dispose([result.value, result.gradients, result.products]);
  return values;
}
