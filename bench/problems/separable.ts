/** @module */
import { createOptimizer } from "@precond/core";
import {
  expectedRisk,
  noisyQuadraticModel,
  separableProblems,
  type SeparableQuadratic,
} from "@precond/core/reference";
import type { Method } from "../methods.ts";
import { random } from "../random.ts";
import { moments } from "../statistics.ts";
import { checkpoints, record } from "./curve.ts";
import { followOracle } from "./oracle.ts";
import type { Outcome, Problem, Task } from "./problem.ts";

/** What makes one separable problem. */
export interface SeparableOptions {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly quadratic: SeparableQuadratic;
  readonly batchSize: number;
  readonly steps: number;
  /** Independent copies that a run simulates side by side. */
  readonly replicas: number;
  /** Risk to reach; default 1 % of the initial one. */
  readonly target?: number;
}

/** A separable noisy quadratic, run on the stochastic gradients of an ensemble of replicas. */
export function separable(options: SeparableOptions): Problem {
  const { name, title, about, quadratic, batchSize, steps, replicas } = options;
  const initial = quadratic.h.reduce((sum, h, i) => sum + h * quadratic.s0[i]! / 2, 0);
  const target = { metric: "trainLoss" as const, value: options.target ?? 0.01 * initial };
  return {
    name,
    title,
    about,
    kind: "theory",
    set: "theory",
    noisyData: false,
    batchSize,
    steps,
    target,
    selections: ["stepsToTarget"],
    rateScale: 1,
    seconds: steps * replicas * quadratic.h.length * 5e-8,
    quadratic,
    details: { replicas, K: quadratic.h.length },
    accepts: (method) => method.settings.includes("theory") && !method.eigenbasis,
    run: (task) => simulate(options, target.value, task),
  };
}

async function simulate(
  { name, quadratic, batchSize, steps, replicas }: SeparableOptions,
  target: number,
  { method, learningRate, seed, tuning, breathe }: Task,
): Promise<Outcome> {
  const { h, c, s0 } = quadratic;
  const K = h.length;
  const R = tuning ? Math.ceil(replicas / 2) : replicas;
  const draw = random("separable", name, seed);
  const repeat = (values: ArrayLike<number>) =>
    Float32Array.from({ length: R * K }, (_, i) => values[i % K]!);
  const weights = Float32Array.from(
    { length: R * K },
    (_, i) => Math.sqrt(s0[i % K]!) * draw.normal(),
  );
  const gradient = new Float32Array(R * K);
  const sigma = c.map(Math.sqrt);
  const optimizer = createOptimizer(method.definition(learningRate, "theory"));
  const needs = method.definition(learningRate, "theory").needs;
  const curvature = needs.includes("curvature") ? repeat(h) : undefined;
  const truth = needs.includes("gradientSquares") && method.predictedAs
    ? followOracle(quadratic, method.predictedAs, learningRate)
    : undefined;
  const predicted = predictionOf(method, quadratic, learningRate, steps);
  const recorder = record({ metric: "trainLoss", value: target });
  const keep = checkpoints(steps, 40);
  const risks = new Float64Array(R);
  const start = performance.now();
  for (let t = 0; t <= steps; t++) {
    risks.fill(0);
    for (let r = 0, i = 0; r < R; r++) {
      let risk = 0;
      for (let k = 0; k < K; k++, i++) {
        const w = weights[i]!;
        risk += h[k]! * w * w;
        gradient[i] = h[k]! * w + (sigma[k]! === 0 ? 0 : sigma[k]! * draw.normal());
      }
      risks[r] = risk / 2;
    }
    const ensemble = moments(risks);
    const point = {
      step: t,
      trainLoss: ensemble.mean,
      replicas: ensemble,
      ...(predicted ? { predicted: predicted[t]! } : {}),
    };
    recorder.see(point, (performance.now() - start) / 1e3, keep.has(t));
    if (recorder.diverged || t === steps) break;
    const squares = truth && repeat(truth.factor);
    optimizer.step({
      theta: {
        weights,
        gradient,
        curvature: t === 0 || needs.includes("curvature") ? curvature : undefined,
        gradientSquares: squares,
      },
    }, squares ? { microBatches: 2, batchSize } : { batchSize });
    truth?.advance();
    if (t % 64 === 0) await breathe();
  }
  optimizer.dispose();
  return recorder.outcome((count) => count * batchSize);
}

function predictionOf(
  method: Method,
  quadratic: SeparableQuadratic,
  learningRate: number,
  steps: number,
): Float64Array | undefined {
  const oracle = method.predictedAs;
  return oracle && expectedRisk(quadratic, oracle, { learningRate, steps });
}

const abouts = {
  A: "H = I, noise 1e-3 … 10: only signal-to-noise can help.",
  B: "Condition 1e3, no noise: only curvature can help.",
  C: "Condition 1e3, noise proportional to curvature (c = H/16).",
  D: "Condition 1e3, noise independent of it (κ 1e-3 … 10).",
  E: "Condition 1e3, white noise 1e-4: next to nothing to denoise.",
};

/** The five separable problems and the noisy quadratic model. */
export function theoryProblems(full: boolean): Problem[] {
  const horizon = full
    ? { A: 600, B: 100, C: 1200, D: 4000, E: 150 }
    : { A: 400, B: 60, C: 600, D: 500, E: 80 };
  const five = (["A", "B", "C", "D", "E"] as const).map((letter) =>
    separable({
      name: letter,
      title: `Separable ${letter}`,
      about: abouts[letter],
      quadratic: separableProblems[letter],
      batchSize: 1,
      steps: horizon[letter],
      replicas: full ? 40 : 12,
    })
  );
  const model = (batch: number, steps: number, replicas: number) =>
    separable({
      name: `nqm-${batch}`,
      title: `Noisy quadratic model, B = ${batch}`,
      about: `H = diag(1/i), 1,000 coordinates, noise covariance H/${batch}; risk 3.74 → 0.3.`,
      quadratic: noisyQuadraticModel(batch),
      batchSize: batch,
      steps,
      replicas,
      target: 0.3,
    });
  return full ? [...five, model(4, 1600, 12), model(64, 300, 12)] : [...five, model(64, 200, 4)];
}
