/**
 * Logistic regression on plain arrays: 200 examples, 300 features of which 5 matter, 10 % of the
 * labels flipped. This is what signalSgd() is for: few examples, few features that matter. SGD fits
 * the noise at a usual rate and is not done at a tiny one; it does best in between.
 *
 * Run: deno run -A examples/core/main.ts
 */
import { createOptimizer, type Definition, type Optimizer, sgd, signalSgd } from "@precond/core";

const features = 300;

/** A small reproducible source of numbers (an LCG's high bits are good enough here). */
let state = 1;
const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

function makeSet(size: number, flipped: number) {
  return Array.from({ length: size }, () => {
    const x = Float32Array.from({ length: features }, normal);
    const label = x[0]! + x[1]! - x[2]! + x[3]! - x[4]! > 0 ? 1 : 0;
    return { x, y: uniform() < flipped ? 1 - label : label };
  });
}
const train = makeSet(200, 0.1), test = makeSet(2000, 0);

const logit = (w: Float32Array, x: Float32Array) => x.reduce((s, v, i) => s + v * w[i]!, 0);
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

function testLoss(w: Float32Array): number {
  const losses = test.map(({ x, y }) => {
    const z = logit(w, x);
    return Math.log1p(Math.exp(-Math.abs(z))) + Math.max(z, 0) - y * z;
  });
  return losses.reduce((a, b) => a + b) / test.length;
}

function steps(optimizer: Optimizer, weights: Float32Array, count: number): void {
  for (let step = 0; step < count; step++) {
    const gradient = new Float32Array(features);
    for (let k = 0; k < 10; k++) {
      const { x, y } = train[Math.floor(uniform() * train.length)]!;
      const error = (sigmoid(logit(weights, x)) - y) / 10; // mean over the batch
      for (let i = 0; i < features; i++) gradient[i]! += error * x[i]!;
    }
    optimizer.step({ w: { weights, gradient } });
  }
}

const methods: Record<string, Definition> = {
  "sgd(), rate 0.1": sgd({ learningRate: 0.1 }),
  "sgd(), rate 0.01": sgd({ learningRate: 0.01 }),
  "sgd(), rate 0.001": sgd({ learningRate: 0.001 }),
  "sgd(), rate 0.0001": sgd({ learningRate: 0.0001 }),
  "signalSgd()": signalSgd(),
};
for (const [name, definition] of Object.entries(methods)) {
  state = 7;
  const weights = new Float32Array(features);
  const optimizer = createOptimizer(definition, { lowering: "wasm" });
  steps(optimizer, weights, 1000);
  const saved = await optimizer.save(); // a safetensors file

  const resumed = createOptimizer(definition, { lowering: "wasm" });
  resumed.load(saved);
  steps(resumed, weights, 1000);
  console.log(
    `${name}: test loss ${testLoss(weights).toFixed(3)} after ${resumed.iteration} steps`,
  );
}
