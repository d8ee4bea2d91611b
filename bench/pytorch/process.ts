/**
 * Our side of `pytorch.ts`: reads numbers of steps, a line each, and answers each with what they took.
 *
 * @module
 */
import { adamW } from "@precond/core";
import { buildModel } from "@precond/onnx";
import { type Ort, Trainer } from "@precond/onnxruntime";
import * as ort from "onnxruntime-node";
import process from "node:process";
import { createInterface } from "node:readline";
import { pytorchCases } from "./cases.ts";

/** What the process trains. */
export interface OurSide {
  readonly model: string;
  readonly threads: number;
  readonly learningRate: number;
}

/** What some steps took, of either side. */
export interface Turn {
  /** Of the processor, user and system, all threads. */
  readonly cpu_ms: number;
  readonly wall_ms: number;
  /** Of the last step. */
  readonly loss: number;
}

async function answer({ model, threads, learningRate }: OurSide): Promise<void> {
  const given = pytorchCases.find(({ name }) => name === model)!;
  const m = buildModel();
  given.build(m);
  const trainer = await Trainer.create(
    ort as unknown as Ort,
    { model: m.build(), ...given.options },
    {
      optimizer: adamW({ learningRate, epsilon: 1e-8, weightDecay: 0.01 }),
      sessionOptions: {
        intraOpNumThreads: threads,
        // Threads would spin while the other side has its turn.
        extra: { session: { force_spinning_stop: "1" } },
      },
    },
  );
  const feeds = given.feeds!();
  console.log(JSON.stringify({ onnxruntime: ort.env.versions.node }));
  for await (const line of createInterface({ input: process.stdin })) {
    let loss = NaN;
    const [wall, cpu] = [performance.now(), process.cpuUsage()];
    for (let k = 0; k < Number(line); k++) ({ loss } = await trainer.step(feeds));
    const { user, system } = process.cpuUsage(cpu);
    const turn: Turn = {
      cpu_ms: (user + system) / 1e3,
      wall_ms: performance.now() - wall,
      loss,
    };
    console.log(JSON.stringify(turn));
  }
}

if (import.meta.main) {
  await answer(JSON.parse(Deno.env.get("PYTORCH_CASE")!));
  Deno.exit(0);
}
