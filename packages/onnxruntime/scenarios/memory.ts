/**
 * Takes 5,000 steps and prints by how many bytes the process grew in the last 4,000: in a process of
 * its own, because others share the memory of parallel tests.
 *
 * @module
 */
import { adamW } from "@precond/core";
import { mlp, nodeOrt } from "./builds.ts";
import type { Ort } from "../hosts/ort.ts";
import { Trainer } from "../trainer/trainer.ts";

const ort = Deno.args[0] === "node" ? nodeOrt : await import("onnxruntime-web") as unknown as Ort;
const net = mlp();
const trainer = await Trainer.create(ort, net, { optimizer: adamW() });
const feeds = net.feeds(0);
for (let step = 0; step < 1000; step++) await trainer.step(feeds);
const before = Deno.memoryUsage().rss;
for (let step = 0; step < 4000; step++) await trainer.step(feeds);
console.log(Deno.memoryUsage().rss - before);
await trainer.release();
