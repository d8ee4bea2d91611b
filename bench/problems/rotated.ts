/** @module */
import { createOptimizer } from "@precond/core";
import { random } from "../random.ts";
import { moments } from "../statistics.ts";
import { checkpoints, record } from "./curve.ts";
import type { Outcome, Problem, Task } from "./problem.ts";

/** A quadratic `½ θᵀHθ` with correlated H = U diag(eigenvalues) Uᵀ and independent noise. */
export interface RotatedQuadratic {
  readonly eigenvalues: Float64Array;
  /** Column j is the j-th eigenvector; row-major. */
  readonly U: Float64Array;
  /** Row-major. */
  readonly H: Float64Array;
  /** Noise variance of each component of the gradient, in the original basis. */
  readonly c: Float64Array;
}

/** A random rotation by Gram-Schmidt on a Gaussian matrix. */
function orthogonal(K: number, seed: number): Float64Array {
  const draw = random("rotation", seed);
  const U = Float64Array.from({ length: K * K }, () => draw.normal());
  for (let j = 0; j < K; j++) {
    // Twice is enough for orthogonality to machine precision (Kahan & Parlett).
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < j; i++) {
        let dot = 0;
        for (let k = 0; k < K; k++) dot += U[k * K + i]! * U[k * K + j]!;
        for (let k = 0; k < K; k++) U[k * K + j]! -= dot * U[k * K + i]!;
      }
    }
    let norm = 0;
    for (let k = 0; k < K; k++) norm += U[k * K + j]! ** 2;
    for (let k = 0; k < K; k++) U[k * K + j]! /= Math.sqrt(norm);
  }
  return U;
}

/** K = 20, eigenvalues 1e-2 … 1, noise 1e-4 … 1e-1, one fixed rotation. */
export function rotatedQuadratic(K = 20): RotatedQuadratic {
  const spaced = (from: number, to: number) =>
    Float64Array.from({ length: K }, (_, i) => from * (to / from) ** (i / (K - 1)));
  const eigenvalues = spaced(1e-2, 1);
  const U = orthogonal(K, 1);
  const H = new Float64Array(K * K);
  for (let i = 0; i < K; i++) {
    for (let j = 0; j < K; j++) {
      for (let e = 0; e < K; e++) {
        H[i * K + j]! += U[i * K + e]! * eigenvalues[e]! * U[j * K + e]!;
      }
    }
  }
  return { eigenvalues, U, H, c: spaced(1e-4, 1e-1) };
}

/** Reads θ and gives the risk and, in `gradient`, Hθ plus noise. */
export function rotatedGradient(
  { H, c }: RotatedQuadratic,
  theta: ArrayLike<number>,
  gradient: Float64Array,
  noise: () => number,
): number {
  const K = c.length;
  let risk = 0;
  for (let i = 0; i < K; i++) {
    let sum = 0;
    for (let j = 0; j < K; j++) sum += H[i * K + j]! * theta[j]!;
    risk += theta[i]! * sum / 2;
    gradient[i] = sum + Math.sqrt(c[i]!) * noise();
  }
  return risk;
}

/** y = U x, or Uᵀ x. */
function rotate(U: Float64Array, x: ArrayLike<number>, transposed: boolean): Float64Array {
  const K = x.length;
  return Float64Array.from({ length: K }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < K; j++) sum += (transposed ? U[j * K + i]! : U[i * K + j]!) * x[j]!;
    return sum;
  });
}

async function simulate(
  quadratic: RotatedQuadratic,
  { steps, replicas, target }: { steps: number; replicas: number; target: number },
  { method, learningRate, seed, tuning, breathe }: Task,
): Promise<Outcome> {
  const { U, H, eigenvalues, c } = quadratic;
  const K = c.length;
  const R = tuning ? Math.ceil(replicas / 2) : replicas;
  const draw = random("rotated", seed);
  const optimizer = createOptimizer(method.definition(learningRate, "theory"));
  const needsCurvature = method.definition(learningRate, "theory").needs.includes("curvature");
  const diagonal = method.eigenbasis ? eigenvalues : Float64Array.from(c, (_, i) => H[i * K + i]!);
  const curvature = Float32Array.from({ length: R * K }, (_, i) => diagonal[i % K]!);
  // In the eigenbasis the weights are Uᵀθ; a random start has the same law in both.
  const weights = Float32Array.from({ length: R * K }, () => draw.normal());
  const gradient = new Float32Array(R * K);
  const own = new Float64Array(K);
  const risks = new Float64Array(R);
  const recorder = record({ metric: "trainLoss", value: target });
  const keep = checkpoints(steps, 40);
  const start = performance.now();
  for (let t = 0; t <= steps; t++) {
    for (let r = 0; r < R; r++) {
      const z = weights.subarray(r * K, (r + 1) * K);
      const theta = method.eigenbasis ? rotate(U, z, false) : z;
      risks[r] = rotatedGradient(quadratic, theta, own, draw.normal);
      gradient.set(method.eigenbasis ? rotate(U, own, true) : own, r * K);
    }
    const replicas = moments(risks);
    const point = { step: t, trainLoss: replicas.mean, replicas };
    recorder.see(point, (performance.now() - start) / 1e3, keep.has(t));
    if (recorder.diverged || t === steps) break;
    optimizer.step({
      theta: { weights, gradient, curvature: needsCurvature ? curvature : undefined },
    });
    if (t % 64 === 0) await breathe();
  }
  optimizer.dispose();
  return recorder.outcome((count) => count);
}

/** The problem on which diagonal methods see a curvature that is not diagonal. */
export function rotatedProblem(full: boolean): Problem {
  const quadratic = rotatedQuadratic();
  const initial = quadratic.eigenvalues.reduce((sum, h) => sum + h / 2, 0);
  const options = { steps: full ? 2000 : 400, replicas: full ? 40 : 12, target: 0.03 * initial };
  return {
    name: "rotated",
    title: "Rotated quadratic",
    about: "Correlated curvature: 20 coordinates, eigenvalues 1e-2 … 1 along random directions, " +
      "noise 1e-4 … 1e-1 along the axes. Diagonal formulas are not exact here.",
    kind: "theory",
    set: "theory",
    noisyData: false,
    batchSize: 1,
    steps: options.steps,
    target: { metric: "trainLoss", value: options.target },
    selections: ["stepsToTarget"],
    rateScale: 1,
    seconds: options.steps * options.replicas * 1e-6,
    details: { replicas: options.replicas, K: quadratic.c.length },
    accepts: (method) => method.settings.includes("theory") && !method.oracle,
    run: (task) => simulate(quadratic, options, task),
  };
}
