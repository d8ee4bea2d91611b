/**
 * Trains on a provider of onnxruntime-node and prints the losses: in a process of its own, because
 * the driver is chosen by the environment.
 *
 * @module
 */
import { adamW } from "@precond/core";
import { mlp, nodeOrt } from "./builds.ts";
import { Trainer } from "../trainer/trainer.ts";

const net = mlp();
const trainer = await Trainer.create(nodeOrt, net, {
  optimizer: adamW({ learningRate: 0.01 }),
  executionProviders: [Deno.args[0]!],
});
const losses: number[] = [];
for (let step = 0; step < 20; step++) losses.push((await trainer.step(net.feeds(step))).loss);
losses.push((await trainer.evaluate(net.feeds(20))).loss);
await trainer.save();
await trainer.release();
console.log(JSON.stringify(losses));
