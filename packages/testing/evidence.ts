/**
 * Seeded evidence for conformance runs: the same numbers for the reference and every backend.
 *
 * @module
 */
import { random } from "./random.ts";

/** Shape and initial weights of the parameters of a conformance run. */
export interface TestParameter {
  readonly shape: readonly number[];
  readonly weights: Float32Array;
}

/** What one step brings for one parameter. */
export interface TestEvidence {
  readonly gradient: Float32Array;
  readonly curvature?: Float32Array;
  readonly gradientSquares?: Float32Array;
}

/** One step: evidence by parameter. */
export interface TestStep {
  readonly evidence: Readonly<Record<string, TestEvidence>>;
  readonly microBatches: number;
  readonly batchSize: number;
}

/** Shapes that meet every path: vector tails, rows, a scalar, one that never has a gradient. */
const shapes: Readonly<Record<string, readonly number[]>> = {
  kernel: [3, 5],
  bias: [7],
  cube: [2, 3, 4],
  scalar: [],
  single: [1],
  dead: [6],
};

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** The parameters, with seeded weights. */
export function testParameters(): Record<string, TestParameter> {
  const { normal } = random(7);
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      { shape, weights: Float32Array.from({ length: sizeOf(shape) }, normal) },
    ]),
  );
}

/** Which steps bring which evidence, counted from 0. */
export interface EvidencePlan {
  readonly curvature?: (step: number) => boolean;
  readonly gradientSquares?: (step: number) => boolean;
  /** A step whose gradient has a NaN or an infinity. */
  readonly nonFinite?: (step: number) => boolean;
}

/** `count` steps of drifting noisy gradients, k = 4 micro-batches where squares are asked for. */
export function testSteps(count: number, plan: EvidencePlan, seed = 1): TestStep[] {
  const { normal, uniform } = random(seed);
  const k = 4;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const n = name === "dead" ? 0 : 1;
    const size = sizeOf(shape);
    return {
      name,
      mean: Float64Array.from({ length: size }, () => n * normal()),
      noise: Float64Array.from({ length: size }, () => n * (0.2 + uniform())),
    };
  });
  return Array.from({ length: count }, (_, t) => {
    const evidence: Record<string, TestEvidence> = {};
    for (const { name, mean, noise } of entries) {
      const parts = Array.from(
        { length: k },
        () => mean.map((m, i) => m * Math.cos(t / 20) + noise[i]! * normal()),
      );
      const gradient = Float32Array.from(mean, (_, i) => parts.reduce((s, p) => s + p[i]!, 0) / k);
      const squares = Float32Array.from(
        mean,
        (_, i) => parts.reduce((s, p) => s + p[i]! ** 2, 0) / k,
      );
      const curvature = Float32Array.from(noise, (n) => n * (0.5 + normal() ** 2));
      if (plan.nonFinite?.(t) && name === "bias") gradient[2] = t % 2 ? NaN : Infinity;
      evidence[name] = {
        gradient,
        ...(plan.curvature?.(t) ? { curvature } : {}),
        ...(plan.gradientSquares?.(t) ? { gradientSquares: squares } : {}),
      };
    }
    return { evidence, microBatches: k, batchSize: 16 };
  });
}
