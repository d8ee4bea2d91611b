/**
 * Operations against central differences, alone in a small loss.
 *
 * @module
 */
import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { tapeEngine, type TapeNode } from "../_tape.ts";
import {
  alongVectors,
  flat,
  normals,
  normalTensor,
  plainGradients,
  productError,
  randomVectors,
} from "../_testing.ts";
import { enableSecondOrder } from "../enable.ts";
import { hessianVectorProduct } from "../hessian_vector_product.ts";
import { verifiedKernels } from "../verified.ts";

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
}

/** The wasm backend has no kernel for it. */
export const lacking: RegExp = /not registered for backend 'wasm'/;
/** The wasm backend has it wrong, and the pack says so. */
export const broken: RegExp =
  /^Cannot take second derivatives through \w+: the wasm backend has its first gradient wrong/;

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

/** `Σ a (f(u) − t)²` with `u = w + sin(w)/10`, so that no derivative vanishes. */
function lossOf({ f, shape, domain, name }: OpCase) {
  const start = normals(tf.util.sizeFromShape(shape), 1).map((x, i, { length }) =>
    domain ? domain(x, i, length) : x
  );
  const w = tf.tidy(() => tf.variable(tf.tensor(start, shape)));
  const output = () => tf.tidy(() => f(tf.add(w, tf.mul(0.1, tf.sin(w)))));
  const y = output();
  const weights = normalTensor(y.shape, 77), targets = normalTensor(y.shape, 78);
  y.dispose();
  const [a, t] = [weights, targets].map((x) => x.dataSync()) as [Float32Array, Float32Array];
  return {
    w,
    name,
    loss: () =>
      tf.tidy(() => tf.sum(tf.mul(weights, tf.square(tf.sub(output(), targets)))) as tf.Scalar),
    /** Summed in float64. */
    exact: () => {
      const y = output();
      const sum = (y.dataSync() as Float32Array).reduce(
        (sum, v, i) => sum + a[i]! * (v - t[i]!) ** 2,
        0,
      );
      y.dispose();
      return Float64Array.of(sum);
    },
    dispose: () => tf.dispose([w, weights, targets]),
  };
}

function checkCase(test: OpCase, tolerance: number): void {
  const { w, loss, exact, dispose } = lossOf(test);
  const vectors = randomVectors([w], 3);
  const { value, gradients, products } = hessianVectorProduct(loss, [w], vectors);
  const g = flat(gradients, [w]), v = flat(vectors, [w]);
  tf.dispose([value, gradients, products]);
  if (!test.corrected) {
    assert.deepEqual(plainGradients(loss, [w]), g, "the first gradient is that of tfjs");
  }
  const restore = enableSecondOrder(); // for cases that nest gradients
  try {
    const slope = alongVectors(exact, [w], vectors, 5e-3);
    const scale = Math.hypot(...g);
    assertAllClose([g.reduce((sum, x, i) => sum + x * v[i]!, 0) / scale], [slope[0]! / scale], {
      absolute: tolerance,
    }, "gᵀv");
    const error = productError(loss, [w]);
    if (Deno.env.has("PRECOND_ERRORS")) console.log(`${test.name}\t${error.toExponential(1)}`);
    assert.ok(error < tolerance, `Hv is off by ${error}`);
  } finally {
    restore();
    dispose();
    tf.dispose(vectors);
  }
}

/** Collects the kernels that recorded backward passes go through while `f` runs. */
function kernelsOf(f: () => void): Set<string> {
  const engine = tapeEngine(), { addTapeNode } = engine;
  const kernels = new Set<string>();
  engine.addTapeNode = function (...node) {
    addTapeNode.apply(engine, node);
    const added: TapeNode = engine.state.activeTape!.at(-1)!;
    const { gradient } = added;
    if (!gradient) return;
    added.gradient = (dys) => {
      if (engine.state.gradientDepth > 0) kernels.add(added.kernelName);
      return gradient(dys);
    };
  };
  try {
    f();
  } finally {
    engine.addTapeNode = addTapeNode;
  }
  return kernels;
}

/**
 * Tests every case on cpu and wasm, and that they reach every kernel of a group and the named
 * `tf.customGrad` operations.
 */
export function testOps(
  group: keyof typeof verifiedKernels,
  cases: readonly OpCase[],
  custom: readonly string[] = [],
): void {
  const reached = new Set<string>();
  for (const backend of ["cpu", "wasm"]) {
    for (const test of cases) {
      const { name, wasm } = test;
      if (backend === "wasm" && wasm === "skip") continue;
      Deno.test(`${name} on ${backend}: Hv is the derivative of the gradient`, async () => {
        await tf.setBackend(backend);
        const before = tf.memory().numTensors;
        if (backend === "wasm" && wasm instanceof RegExp) {
          const { w, loss, dispose } = lossOf(test);
          const vectors = randomVectors([w], 3);
          assert.throws(() => hessianVectorProduct(loss, [w], vectors), { message: wasm });
          dispose();
          tf.dispose(vectors);
        } else {
          for (const kernel of kernelsOf(() => checkCase(test, 3e-4))) reached.add(kernel);
        }
        assert.equal(tf.memory().numTensors, before, "no tensor is left");
      });
    }
  }
  Deno.test(`the ${group} tests reach every kernel that the pack calls verified`, () => {
    assert.deepEqual(
      [...verifiedKernels[group], ...custom].filter((name) => !reached.has(name)),
      [],
    );
  });
}
