// One update from several workers, and their states as one.
import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { backends } from "../_testing.ts";
import {
  adam,
  chain,
  diagonalNewton,
  learningRate,
  mergeStates,
  precond,
  type PrecondOptimizer,
  type Replica,
  scaleBy,
  signalFraction,
  userCurvature,
} from "../mod.ts";

const inputs = [0.5, -1, 2, 1.5, -0.5, 3];
const targets = [1, 0, 2, 2, -1, 1];

/** Examples of one worker. */
type Shard = readonly [from: number, to: number];

/** The mean loss of a line over some examples. */
const lossOf = (w: tf.Variable, [from, to]: Shard) => () =>
  tf.tidy(() => {
    const x = tf.stack([inputs.slice(from, to), inputs.slice(from, to).fill(1)], 1) as tf.Tensor2D;
    const error = tf.sub(tf.sum(tf.mul(x, w), 1), targets.slice(from, to));
    return tf.mean(tf.square(error)) as tf.Scalar;
  });

/** What a worker sends of its shard. */
function replicaOf(w: tf.Variable, shard: Shard): Replica {
  const { value, grads } = tf.variableGrads(lossOf(w, shard), [w]);
  const gradients = { [w.name]: grads[w.name]!.dataSync() as Float32Array };
  tf.dispose([value, grads]);
  return { gradients, examples: shard[1] - shard[0] };
}

const snr = () => chain(scaleBy(signalFraction({ from: "gradientSquares" })), learningRate(0.1));

for (const backend of backends) {
  Deno.test(`applyReplicas() is minimizeMicroBatches() of a worker that saw all shards on ${backend}`, async () => {
    await tf.setBackend(backend);
    const [one, many] = ["one", "many"].map((name) =>
      tf.variable(tf.ones([2]), true, `${name}_${backend}`)
    );
    const [whole, shared] = [precond(snr()), precond(snr())];
    for (let i = 0; i < 3; i++) {
      const shards: Shard[] = [[0, 2], [2, 4], [4, 6]];
      whole.minimizeMicroBatches(shards.map((shard) => lossOf(one!, shard)), false, [one!]);
      const before = i === 0 ? 0 : tf.memory().numTensors;
      shared.applyReplicas(shards.map((shard) => replicaOf(many!, shard)));
      if (i > 0) assert.equal(tf.memory().numTensors, before);
      assertAllClose(many!.dataSync(), one!.dataSync(), { relative: 1e-5 });
    }
    assert.equal(shared.iterations, 3);
    whole.dispose();
    shared.dispose();
    tf.dispose([one!, many!]);
  });
}

Deno.test("curvature samples of replicas are averaged by examples", async () => {
  await tf.setBackend("cpu");
  const [one, many] = ["sampled_one", "sampled_many"].map((name) =>
    tf.variable(tf.ones([2]), true, name)
  );
  const newton = () =>
    precond(
      diagonalNewton({ curvature: userCurvature({ every: 2 }), curvatureWarmup: 1, damping: 0 }),
    );
  const [whole, shared] = [newton(), newton()];
  const replica = (g: number[], h: number[] | undefined, examples: number): Replica => ({
    gradients: { sampled_many: Float32Array.from(g) },
    ...(h ? { curvature: { sampled_many: Float32Array.from(h) } } : {}),
    examples,
  });
  const before = tf.memory().numTensors;
  assert.ok(shared.curvatureDue);
  // ¾ [2, 4] + ¼ [6, 8] = [3, 5]
  shared.applyReplicas([replica([1, 2], [2, 4], 30), replica([1, 2], [6, 8], 10)]);
  tf.tidy(() =>
    whole.applyGradients({ sampled_one: tf.tensor1d([1, 2]) }, {
      curvature: { sampled_one: tf.tensor1d([3, 5]) },
    })
  );
  const steps = tf.memory().numTensors;
  assert.ok(!shared.curvatureDue);
  shared.applyReplicas([replica([1, 2], undefined, 40)]);
  tf.tidy(() => whole.applyGradients({ sampled_one: tf.tensor1d([1, 2]) }));
  assert.deepEqual([...many!.dataSync()], [...one!.dataSync()]);
  const both = [replica([1, 2], [2, 4], 30)];
  assert.throws(() => shared.applyReplicas(both, { curvature: { sampled_many: many! } }), {
    name: "TypeError",
    message: /they bring curvature samples, and one is given beside them; give one of both$/,
  });
  assert.throws(
    () => shared.applyReplicas([replica([1, 2], undefined, 40)]),
    /curvature sample is due/,
  );
  assert.equal(tf.memory().numTensors, steps);
  whole.dispose();
  shared.dispose();
  assert.equal(tf.memory().numTensors, before);
  tf.dispose([one!, many!]);
});

Deno.test("applyReplicas() refuses what does not fit and changes nothing", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.ones([2]), true, "refusing");
  const optimizer = precond(snr());
  const of = (gradients: Replica["gradients"]): Replica[] => [{ gradients, examples: 2 }];
  const tensors = tf.memory().numTensors;
  for (
    const [replicas, message] of [
      [of({ other: new Float32Array(2) }), /gradient of "other": there is no such variable/],
      [
        of({ refusing: new Float32Array(3) }),
        /"refusing" has 3 elements, its variable has shape \[2\]/,
      ],
      [[], /^Cannot combine replicas: replicas must be an array of at least 1/],
    ] as const
  ) assert.throws(() => optimizer.applyReplicas(replicas), { message });
  optimizer.accumulate = 2;
  assert.throws(() => optimizer.applyReplicas(of({ refusing: new Float32Array(2) })), {
    name: "TypeError",
    message: /accumulates 2 calls, and replicas are a whole batch; set accumulate to 1$/,
  });
  optimizer.accumulate = 1;
  // What replicas tell themselves is not told twice.
  for (
    const [evidence, message] of [
      [
        { batchSize: 1 },
        /^Cannot apply replicas: "batchSize" is no option; options are curvature$/,
      ],
      [4, /^Cannot apply replicas: options must be an object/],
    ] as const
  ) {
    const replicas = of({ refusing: new Float32Array(2) });
    assert.throws(() => optimizer.applyReplicas(replicas, evidence as object), { message });
  }
  assert.deepEqual([...w.dataSync()], [1, 1]);
  assert.equal(tf.memory().numTensors, tensors);
  w.dispose();
});

Deno.test("training goes on from the merged states of clients", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.zeros([2]), true, "federated");
  const definition = adam({ learningRate: 0.1 });
  const client = async (gradients: number[][], from?: Uint8Array) => {
    const optimizer: PrecondOptimizer = precond(definition);
    if (from) optimizer.load(from);
    for (const g of gradients) optimizer.applyGradients({ federated: tf.tensor1d(g) });
    const bytes = await optimizer.save();
    optimizer.dispose();
    return bytes;
  };
  const states = [await client([[1, 2], [3, 4]]), await client([[5, -2], [1, 0]])];
  const merged = mergeStates(states, [0.75, 0.25], { definition });
  // Momentum is linear: the mean of the gradients makes it, too.
  const whole = await client([[2, 1], [2.5, 3]]);
  const slots = await Promise.all([merged, whole].map(async (bytes) => {
    const optimizer = precond(definition);
    optimizer.load(bytes);
    optimizer.applyGradients({ federated: tf.tensor1d([1, 1]) });
    assert.equal(optimizer.iterations, 3);
    const m = await optimizer.slot("federated", "inverseRms.to.m");
    optimizer.dispose();
    return m;
  }));
  assertAllClose(slots[0]!, slots[1]!, { relative: 1e-6 });
  w.dispose();
});
