import { sgd } from "@precond/core";
import { generateArtifacts } from "@precond/onnx";
import assert from "node:assert/strict";
import { mlp, nodeOrt } from "../scenarios/builds.ts";
import { Trainer } from "./trainer.ts";

const { model, loss, feeds } = mlp();
const optimizer = sgd({ learningRate: 0.1 });

Deno.test("Frozen parameters can be read and set, as trained ones, and count in the next run", async () => {
  const trainer = await Trainer.create(nodeOrt, { model, loss }, {
    optimizer,
    trainable: ["w2", "b2"],
    frozen: ["w1"],
  });
  const before = await trainer.parameter("w1");
  await trainer.step(feeds(0));
  assert.deepEqual(await trainer.parameter("w1"), before);
  trainer.setParameter("w1", new Float32Array(before.length));
  assert.ok((await trainer.parameter("w1")).every((v) => v === 0));
  assert.throws(() => trainer.setParameter("w1", new Float32Array(1)), {
    message: `Cannot set "w1": expected ${before.length} elements, given are 1`,
  });
  // relu(b1) = relu(0): the logits are the biases.
  const { logits } = await trainer.predict({ x: feeds(0)["x"]! });
  assert.deepEqual((logits!.data as Float32Array).slice(0, 3), await trainer.parameter("b2"));
  await assert.rejects(
    async () => await trainer.parameter("b1"),
    /Cannot find parameter "b1": trained are w2, b2/,
  );
  await trainer.release();
});

Deno.test("What is frozen is not trained: not by default, not of artifacts, and not if named", async () => {
  const frozen = ["w1", "b1"];
  const artifacts = generateArtifacts(model, { loss });
  for (const source of [{ model, loss }, artifacts]) {
    const trainer = await Trainer.create(nodeOrt, source, { optimizer, frozen });
    assert.deepEqual(trainer.parameters, ["w2", "b2"]);
    const before = await trainer.parameter("w1");
    await trainer.step(feeds(0));
    assert.deepEqual(await trainer.parameter("w1"), before);
    await trainer.release();
  }
  const trainable = (name: string) => name.startsWith("w");
  const weights = await Trainer.create(nodeOrt, { model, loss }, { frozen, trainable });
  assert.deepEqual(weights.parameters, ["w2"]);
  await weights.release();
  await assert.rejects(
    Trainer.create(nodeOrt, { model, loss }, { frozen, trainable: ["w1", "w2"] }),
    { name: "TypeError", message: 'Cannot train "w1": it is to be frozen, too' },
  );
});
