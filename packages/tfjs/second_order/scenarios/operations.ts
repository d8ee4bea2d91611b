/**
 * Operations against central differences, alone in a small loss.
 *
 * @module
 */
import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import { alongVectors, normals, productError, randomVectors, read } from "../_testing.ts";
import { enableSecondOrder, hessianVectorProduct } from "../mod.ts";

/** An operation on one variable tensor. */
export interface OpCase {
  readonly name: string;
  readonly shape: number[];
  readonly f: (x: tf.Tensor) => tf.Tensor;
  /** Moves standard normal numbers into the domain, and away from kinks. */
  readonly domain?: (x: number, i: number, n: number) => number;
  /** Where tfjs alone has the gradient wrong, or none. */
  readonly corrected?: boolean;
  /** What the wasm backend throws, or "skip" where it is not to be tried. */
  readonly wasm?: RegExp | "skip";
  /** What the webgpu backend throws. */
  readonly webgpu?: RegExp;
  /** GPUs may be off by 2⁻¹¹ in such a function, as SwiftShader is. */
  readonly rough?: boolean;
}

/** The wasm backend has no kernel for it. */
export const lacking: RegExp = /not registered for backend 'wasm'/;
/** The wasm backend has it wrong, and the pack says so. */
export const broken: RegExp =
  /^Cannot take second derivatives through \w+: the wasm backend has \w+ wrong/;

/** A permutation of multiples of .2, so that no small step changes which one is the largest. */
export const apart = (_: number, i: number, n: number): number => 0.2 * ((7 * i + 3) % n - n / 2);

/** The two slices along the first axis. */
export function halves(x: tf.Tensor): [tf.Tensor, tf.Tensor] {
  const parts = tf.split(x, 2, 0).map((t) => tf.reshape(t, t.shape.slice(1)));
  return parts as [tf.Tensor, tf.Tensor];
}

/** The gradient of ½‖f‖² as an operation: third derivatives, with the backward kernels in front. */
export function gradientOf(test: OpCase): OpCase {
  const half = (x: tf.Tensor) => tf.mul(0.5, tf.sum(tf.square(test.f(x))));
  return {
    ...test,
    name: `gradient of ${test.name}`,
    corrected: true,
    ...(test.wasm ? { wasm: "skip" } : {}),
    f: (x) => tf.grad(half)(x),
  };
}

/** `Σ a (f(u) − t)²` with `u = w + w/(1 + w²)/10`, so that no derivative vanishes. */
export function lossOf({ f, shape, domain, name }: OpCase): {
  readonly w: tf.Variable;
  readonly name: string;
  readonly loss: () => tf.Scalar;
  /** Summed in float64. */
  readonly exact: () => Promise<Float64Array>;
  readonly dispose: () => void;
} {
  const start = normals(tf.util.sizeFromShape(shape), 1).map((x, i, { length }) =>
    domain ? domain(x, i, length) : x
  );
  const w = tf.tidy(() => tf.variable(tf.tensor(start, shape)));
  // A quotient: GPUs have no exact sine.
  const bent = () => tf.add(w, tf.div(tf.mul(0.1, w), tf.add(tf.square(w), 1)));
  const output = () => tf.tidy(() => f(bent()));
  const y = output();
  const size = y.size;
  const [a, t] = [normals(size, 77), normals(size, 78)];
  const [weights, targets] = [tf.tensor(a, y.shape), tf.tensor(t, y.shape)];
  y.dispose();
  return {
    w,
    name,
    loss: () =>
      tf.tidy(() => tf.sum(tf.mul(weights, tf.square(tf.sub(output(), targets)))) as tf.Scalar),
    exact: async () => {
      const y = output();
      const values = await y.data<"float32">();
      y.dispose();
      return Float64Array.of(values.reduce((sum, v, i) => sum + a[i]! * (v - t[i]!) ** 2, 0));
    },
    dispose: () => tf.dispose([w, weights, targets]),
  };
}

/** The first gradient, by tfjs alone. */
async function plainGradient(f: () => tf.Scalar, w: tf.Variable): Promise<Float64Array> {
  const { value, grads } = tf.variableGrads(f, [w]);
  const values = await read(grads, [w]);
  tf.dispose([value, grads]);
  return values;
}

/**
 * Checks first and second derivatives of a case; how far H v is off, relatively.
 *
 * @throws {Error} If the first gradient is not that of tfjs, gᵀv or Hv is further off than
 * `tolerance`, or a tensor is left.
 */
export async function checkCase(test: OpCase, tolerance: number): Promise<number> {
  const before = tf.memory().numTensors;
  const { w, loss, exact, dispose } = lossOf(test);
  const vectors = randomVectors([w], 3);
  const { value, gradients, products } = hessianVectorProduct(loss, [w], vectors);
  const g = await read(gradients, [w]), v = await read(vectors, [w]);
  tf.dispose([value, gradients, products]);
  if (!test.corrected) {
    assertAllClose(
      await plainGradient(loss, w),
      g,
      { relative: 0, absolute: 0 },
      "gradient of tfjs",
    );
  }
  const restore = enableSecondOrder(); // for cases that nest gradients
  let error: number;
  try {
    const slope = await alongVectors(exact, [w], vectors, 5e-3);
    const scale = Math.hypot(...g);
    assertAllClose([g.reduce((sum, x, i) => sum + x * v[i]!, 0) / scale], [slope[0]! / scale], {
      absolute: tolerance,
    }, "gᵀv");
    error = await productError(loss, [w]);
    if (!(error < tolerance)) throw new Error(`${test.name}: Hv is off by ${error}`);
  } finally {
    restore();
    dispose();
    tf.dispose(vectors);
  }
  const left = tf.memory().numTensors - before;
  if (left !== 0) throw new Error(`${test.name}: ${left} tensors are left`);
  return error;
}
