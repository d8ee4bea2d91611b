import assert from "node:assert/strict";
import { assertClose, historyOf, normal, steps, w } from "./_testing.ts";
import { referenceChain, referenceOptimizer } from "./chain.ts";
import { referenceInverseCurvature } from "./inverse_curvature.ts";
import { scaleByStage } from "./scale_by.ts";
import { referenceSignalFraction } from "./signal_fraction.ts";
import {
  clipByValueStage,
  decoupledWeightDecayStage,
  learningRateStage,
  momentumStage,
  skipNonFiniteStage,
} from "./transforms.ts";

Deno.test("a later stage sees what the earlier made of every past step", () => {
  const chain = referenceChain(clipByValueStage(2), momentumStage({ decay: .5, form: "sum" }));
  assertClose(w(chain(historyOf(steps([[9], [-1], [1]])))).update, .25 * 2 - .5 + 1);
});

Deno.test("order is composition: T after H⁻¹ is estimated on H⁻¹g", () => {
  // The curvature halves between the steps, so that H⁻¹g has noise where g has none.
  const seen = historyOf(
    steps([[2], [2]], (t) => ({ curvature: Float64Array.of([2, 1][t]!) })),
  );
  const inverse = scaleByStage(
    referenceInverseCurvature({ kind: "user" }, { decay: 0, damping: 0 }),
  );
  const T = scaleByStage(referenceSignalFraction({ decay: .9 }));
  assertClose(w(referenceChain(T, inverse)(seen)).update, 2); // T = 1
  assertClose(w(referenceChain(inverse, T)(seen)).update, .8061224490 * 2, 1e-10); // of 1, 2
});

Deno.test("referenceOptimizer() does what referenceChain() says, step after step", () => {
  const stages = [
    scaleByStage(referenceSignalFraction({ from: "gradientSquares" })),
    scaleByStage(referenceInverseCurvature({ kind: "empiricalFisher", from: "gradient" })),
    momentumStage({ nesterov: true }),
    decoupledWeightDecayStage(.1),
    learningRateStage((n) => 1 / (n + 1)),
  ];
  const optimizer = referenceOptimizer({ w: { shape: [2], weights: [1, -1] } }, stages);
  const next = normal(3);
  const history = [];
  for (let t = 0; t < 6; t++) {
    const gradient = [next(), next()];
    const q = gradient.map((g) => g * g + .5);
    const [snapshot] = steps([gradient], () => ({
      weights: optimizer.weights["w"]!.slice(),
      gradientSquares: { input: Float64Array.from(q), raw: Float64Array.from(q) },
      microBatches: 4,
      batchSize: 8,
    }));
    history.push({ w: snapshot! });
    const { update } = w(referenceChain(...stages)(history));
    const expected = snapshot!.weights.map((weight, i) => weight - update[i]!);
    optimizer.step({ w: { gradient, gradientSquares: q } }, { batchSize: 8, microBatches: 4 });
    assertClose(optimizer.weights["w"], expected);
    assertClose(optimizer.updates["w"], update);
    assert.equal(optimizer.iteration, t + 1);
  }
});

Deno.test("a parameter without evidence is not moved, and its own count stands still", () => {
  const parameters = { a: { shape: [1], weights: [0] }, b: { shape: [], weights: [5] } };
  const optimizer = referenceOptimizer(parameters, [momentumStage({ decay: .5 })]);
  optimizer.step({ a: { gradient: [1] } });
  assert.deepEqual([optimizer.weights["a"]![0], optimizer.weights["b"]![0]], [-1, 5]);
  optimizer.step({ a: { gradient: [4] }, b: { gradient: [2] } });
  assertClose([optimizer.weights["a"]![0]!, optimizer.weights["b"]![0]!], [-4, 3]);
});

const stages = (scope: "all" | "tensor") => [
  skipNonFiniteStage({ scope }),
  momentumStage({ decay: .5 }),
  learningRateStage((n) => n + 1),
];
const pair = { a: { shape: [1], weights: [0] }, b: { shape: [1], weights: [0] } };

Deno.test("skipNonFiniteStage() holds the whole step as if it had never been", () => {
  const [held, plain] = [
    referenceOptimizer(pair, stages("all")),
    referenceOptimizer(pair, stages("all")),
  ];
  for (const [a, b] of [[1, 2], [NaN, 3], [4, Infinity], [5, 6]] as const) {
    const evidence = { a: { gradient: [a] }, b: { gradient: [b] } };
    held.step(evidence);
    if (Number.isFinite(a + b)) plain.step(evidence);
  }
  assert.deepEqual(held.weights, plain.weights);
  assert.deepEqual([held.iteration, held.held, plain.held], [2, 2, 0]);
});

Deno.test("skipNonFiniteStage() by tensor holds only the tensor", () => {
  const optimizer = referenceOptimizer(pair, stages("tensor"));
  optimizer.step({ a: { gradient: [1] }, b: { gradient: [NaN] } });
  optimizer.step({ a: { gradient: [4] }, b: { gradient: [1] } });
  // a: 1·1, then the average 3 at rate 2; b: its first sample at rate 2
  assertClose([optimizer.weights["a"]![0]!, optimizer.weights["b"]![0]!], [-7, -2]);
  assert.deepEqual([optimizer.iteration, optimizer.held], [2, 1]);
});

Deno.test("referenceOptimizer() refuses unknown names and wrong lengths, and leaves nothing half done", () => {
  const optimizer = referenceOptimizer(pair, [momentumStage()]);
  assert.throws(() => optimizer.step({ c: { gradient: [1] } }), /there is no parameter "c"$/);
  assert.throws(() => optimizer.step({ a: { gradient: [1, 2] } }), TypeError);
  assert.throws(() => referenceOptimizer({ a: { shape: [2], weights: [1] } }, []), TypeError);
  const curved = referenceOptimizer(pair, [
    momentumStage(),
    scaleByStage(referenceInverseCurvature({ kind: "user" })),
  ]);
  assert.throws(() => curved.step({ a: { gradient: [1] } }), /brings no user sample/);
  curved.step({ a: { gradient: [1], curvature: [1] } });
  assert.deepEqual([curved.iteration, optimizer.iteration], [1, 0]);
});
