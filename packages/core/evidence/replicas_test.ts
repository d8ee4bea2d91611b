import { assertAllClose, random } from "@precond/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import { arrayBackend } from "../driver/array_backend.ts";
import {
  chain,
  combineReplicas,
  createOptimizer,
  type Replica,
  scaleBy,
  signalFraction,
} from "../mod.ts";
import { accumulator, type Means } from "./accumulate.ts";

const { normal } = random(3);
const examples = (n: number, size = 4) =>
  Array.from({ length: n }, () => Float32Array.from({ length: size }, () => 2 + normal()));
const meanOf = (list: readonly Float32Array[]) =>
  list[0]!.map((_, k) => list.reduce((sum, g) => sum + g[k]!, 0) / list.length);
const replicaOf = (list: readonly Float32Array[]): Replica => ({
  gradients: { w: meanOf(list) },
  examples: list.length,
});

Deno.test("replicas of equal shards are the micro-batches of one worker", () => {
  const batch = Array.from({ length: 5 }, () => examples(3));
  const combined = combineReplicas(batch.map(replicaOf));
  const gather = accumulator(arrayBackend(), { squares: true, inPlace: false });
  let means: Means<Float32Array> | undefined;
  batch.forEach((shard, j) => {
    [means] = gather.add([{ shape: [4], gradient: meanOf(shard), ...means }], j + 1, "mean");
  });
  const close = { relative: 1e-6 };
  assertAllClose(combined.gradients.w!, means!.gathered, close);
  assertAllClose(combined.gradientSquares!.w!, means!.squares!, close);
  assert.deepEqual([combined.microBatches, combined.batchSize], [5, 15]);
  // And so is the step.
  const definition = chain(scaleBy(signalFraction({ from: "gradientSquares" })));
  const [ours, theirs] = [combined.gradients.w!, means!.gathered].map((gradient, i) => {
    const weights = new Float32Array(4);
    const gradientSquares = i === 0 ? combined.gradientSquares!.w! : means!.squares!;
    createOptimizer(definition).step({ w: { weights, gradient, gradientSquares } }, {
      batchSize: 15,
      microBatches: 5,
    });
    return weights;
  });
  assertAllClose(ours!, theirs!, { relative: 1e-5 });
});

Deno.test("μ² and σ² are exact in the mean over all ways to draw the batch, whatever the shards", () => {
  // Examples' gradients are 0 or 1 with the same chance: μ = ½, σ² = ¼; all 2ⁿ batches.
  for (const sizes of [[1, 1], [2, 2, 2], [1, 4], [3, 1, 2]]) {
    const n = sizes.reduce((a, b) => a + b, 0), k = sizes.length;
    let [signal, noise] = [0, 0];
    for (let bits = 0; bits < 2 ** n; bits++) {
      let taken = 0;
      const shards = sizes.map((size) =>
        replicaOf(Array.from({ length: size }, () => Float32Array.of((bits >> taken++) & 1)))
      );
      const { gradients, gradientSquares } = combineReplicas(shards);
      const [g2, q] = [gradients.w![0]! ** 2, gradientSquares!.w![0]!];
      signal += (k * g2 - q) / (k - 1) / 2 ** n;
      noise += n * (q - g2) / (k - 1) / 2 ** n;
    }
    assertAllClose([signal, noise], [0.25, 0.25], { relative: 1e-6 });
  }
});

Deno.test("it does not matter in which order, or in how many rounds, replicas are combined", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 3, maxLength: 6 });
  fc.assert(
    fc.property(sizes, (n) => {
      const replicas = n.map((size) => replicaOf(examples(size)));
      const all = combineReplicas(replicas);
      const part = combineReplicas(replicas.slice(0, -1));
      const { gradients, gradientSquares, microBatches, batchSize } = part;
      const first = {
        gradients,
        gradientSquares: gradientSquares!,
        microBatches,
        examples: batchSize,
      };
      const nested = combineReplicas([replicas.at(-1)!, first]);
      assert.deepEqual([nested.microBatches, nested.batchSize], [all.microBatches, all.batchSize]);
      for (const key of ["gradients", "gradientSquares"] as const) {
        assertAllClose(nested[key]!.w!, all[key]!.w!, { relative: 1e-6 });
      }
    }),
    { seed: 1, numRuns: 30 },
  );
});

Deno.test("samples of curvature are averaged by examples, also in rounds", () => {
  const of = (h: number, examples: number): Replica => ({
    gradients: { w: Float32Array.of(1) },
    curvature: { w: Float32Array.of(h) },
    examples,
  });
  const all = combineReplicas([of(4, 30), of(-8, 10), of(2, 20)]);
  assert.deepEqual([...all.curvature!.w!], [(120 - 80 + 40) / 60].map(Math.fround));
  const { curvature, gradients, batchSize } = combineReplicas([of(4, 30), of(-8, 10)]);
  assert.deepEqual([...curvature!.w!], [1]);
  const nested = combineReplicas([
    { gradients, curvature: curvature!, examples: batchSize },
    of(2, 20),
  ]);
  assertAllClose(nested.curvature!.w!, all.curvature!.w!, { relative: 1e-6 });
  assert.deepEqual(combineReplicas([of(3, 7)]).curvature, { w: Float32Array.of(3) });
});

Deno.test("one replica shows no noise", () => {
  const gradients = { w: Float32Array.of(3) };
  assert.deepEqual(combineReplicas([{ gradients, examples: 8 }]), {
    gradients,
    microBatches: 1,
    batchSize: 8,
  });
});

Deno.test("combineReplicas() says what does not fit", () => {
  const one = { gradients: { w: new Float32Array(2) }, examples: 3 };
  const cases: [unknown, RegExp][] = [
    [[], /replicas must be an array of at least 1/],
    [one, /replicas must be an array/],
    [[null], /^Cannot combine replicas \(replica 1\): options must be an object/],
    [
      [one, { ...one, examples: 0 }],
      /\(replica 2\): examples must be positive, current value is 0$/,
    ],
    [[{ gradients: one.gradients }], /examples must be positive, but it is not given$/],
    [[{ ...one, gradients: { w: [1, 2] } }], /gradients must be Float32Arrays by the names/],
    [
      [{ ...one, gradients: new Map(Object.entries(one.gradients)) }],
      /gradients must be Float32Arrays by the names .*, current value is an object \(Map\)$/,
    ],
    [
      [one, { ...one, gradients: { w: new Float32Array(3) } }],
      /of "w" replica 2 has 3 elements in gradients, replica 1 2 elements$/,
    ],
    [
      [one, { ...one, gradients: { v: new Float32Array(2) } }],
      /of "w" replica 2 has none in gradients, replica 1 2 elements$/,
    ],
    [
      [one, { ...one, curvature: one.gradients }],
      /: replica 2 brings a curvature sample, replica 1 none$/,
    ],
    [
      [{ ...one, curvature: one.gradients }, one],
      /: replica 1 brings a curvature sample, replica 2 none$/,
    ],
    [
      [{ ...one, curvature: { w: new Float32Array(3) } }],
      /of "w" replica 1 has 3 elements in curvature, replica 1 2 elements$/,
    ],
    [[{ ...one, microBatches: 2 }], /microBatches is given without gradientSquares$/],
    [
      [{ ...one, gradientSquares: {}, microBatches: 2 }],
      /of "w" replica 1 has none in gradientSquares/,
    ],
  ];
  for (const [given, message] of cases) {
    assert.throws(() => combineReplicas(given as Replica[]), { message });
  }
});
