/**
 * Trains a transformer for some steps and prints {@linkcode Steps}. A process of its own, as peaks are
 * those of a process.
 *
 * @module
 */
import { adamW } from "@precond/core";
import { buildModel, type Recompute } from "@precond/onnx";
import { type Ort, Trainer } from "@precond/onnxruntime";
import { transformer } from "@precond/testing";
import process from "node:process";

/** Sizes of the network and its batches, and how it is trained. */
export interface Contender {
  readonly provider: "cpu" | "wasm";
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly length: number;
  readonly batch: number;
  readonly steps: number;
  readonly recompute?: Recompute;
}

/** What the process took. */
export interface Steps {
  readonly peak_mib: number;
  /** Of each step, user and system, all threads. */
  readonly cpu_ms: readonly number[];
  /** Of the last step. */
  readonly loss: number;
}

async function build(provider: Contender["provider"]): Promise<Ort> {
  if (provider === "cpu") return await import("onnxruntime-node") as unknown as Ort;
  const ort = await import("onnxruntime-web") as unknown as Ort;
  (ort.env as { wasm: { numThreads: number } }).wasm.numThreads = 1;
  return ort;
}

async function train(given: Contender): Promise<Steps> {
  const { provider, batch, steps, recompute, ...sizes } = given;
  const m = buildModel();
  transformer(m, sizes);
  const trainer = await Trainer.create(
    await build(provider),
    { model: m.build(), loss: { type: "mse" } },
    {
      optimizer: adamW({ learningRate: 1e-4, weightDecay: 0 }),
      executionProviders: [provider],
      sessionOptions: { intraOpNumThreads: 1 },
      ...(recompute === undefined ? {} : { recompute }),
    },
  );
  const dims = [batch, sizes.length, sizes.width];
  let state = 1;
  const noise = () => ({
    data: Float32Array.from({ length: dims.reduce((a, d) => a * d) }, () => {
      state = state * 16807 % 2147483647;
      return state / 2147483647 - 0.5;
    }),
    dims,
  });
  const cpu_ms: number[] = [];
  let loss = NaN;
  for (let k = 0; k < steps; k++) {
    const feeds = { x: noise(), labels: noise() };
    const before = process.cpuUsage();
    ({ loss } = await trainer.step(feeds));
    const { user, system } = process.cpuUsage(before);
    cpu_ms.push((user + system) / 1e3);
  }
  // maxRSS is in KiB.
  return { peak_mib: process.resourceUsage().maxRSS / 1024, cpu_ms, loss };
}

if (import.meta.main) {
  console.log(JSON.stringify(await train(JSON.parse(Deno.env.get("MEMORY_CONTENDER")!))));
  Deno.exit(0);
}
