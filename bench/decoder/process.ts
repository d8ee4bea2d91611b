/**
 * Fine-tunes the decoder for some steps with LoRA and prints {@linkcode Tuned}. A process of its own, as
 * peaks are those of a process.
 *
 * @module
 */
import { adamW } from "@precond/core";
import { addLora, readModel } from "@precond/onnx";
import { type Ort, Trainer } from "@precond/onnxruntime";
import { join } from "node:path";
import process from "node:process";
import { smol } from "./network.ts";

/** What is trained, and where. */
export interface Tuning {
  readonly folder: string;
  readonly provider: "cpu" | "wasm";
  readonly length: number;
  readonly batch: number;
  readonly rank: number;
  readonly steps: number;
  readonly threads: number;
  /** Whether ONNX Runtime keeps frozen weights once more as its products want them. */
  readonly prepacking: boolean;
}

/** What it took. */
export interface Tuned {
  readonly weights_mib: number;
  /** Of the whole process. */
  readonly peak_mib: number;
  /** The largest memory of WebAssembly; 0 without one. */
  readonly heap_mib: number;
  /** Until the first step. */
  readonly create_s: number;
  readonly step_s: readonly number[];
  /** Of the processor, user and system, all threads. */
  readonly cpu_s: readonly number[];
  readonly losses: readonly number[];
  /** Tensors that are trained. */
  readonly trained: number;
}

/** Every memory of WebAssembly that is made from now on. */
function watchedMemories(): WebAssembly.Memory[] {
  const made: WebAssembly.Memory[] = [];
  const Memory = WebAssembly.Memory;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      made.push(this);
    }
  };
  const { instantiate } = WebAssembly;
  // Memories that a module makes come with its exports.
  WebAssembly.instantiate = (async (...given: Parameters<typeof instantiate>) => {
    const result = await instantiate(...given);
    const { exports } = (result as unknown as { instance?: WebAssembly.Instance }).instance ??
      result as unknown as WebAssembly.Instance;
    for (const value of Object.values(exports)) {
      if (value instanceof Memory && !made.includes(value)) made.push(value);
    }
    return result;
  }) as typeof instantiate;
  return made;
}

async function build({ provider, threads }: Tuning): Promise<Ort> {
  if (provider === "cpu") return await import("onnxruntime-node") as unknown as Ort;
  const ort = await import("onnxruntime-web") as unknown as Ort;
  (ort.env as { wasm: { numThreads: number } }).wasm.numThreads = threads;
  return ort;
}

const MIB = 2 ** 20;

async function tune(given: Tuning): Promise<Tuned> {
  const { folder, provider, length, batch, rank, steps, threads, prepacking } = given;
  const memories = watchedMemories();
  const ort = await build(given);
  const begun = performance.now();
  const data = await Deno.readFile(join(folder, "decoder.data"));
  const weights_mib = data.byteLength / MIB;
  const model = addLora(
    readModel(await Deno.readFile(join(folder, "decoder.onnx")), {
      externalData: { "decoder.data": data },
    }),
    { rank },
  );
  const trainer = await Trainer.create(
    ort,
    { model, loss: { type: "crossEntropy", axis: -1 } },
    {
      optimizer: adamW({ learningRate: 1e-3 }),
      executionProviders: [provider],
      sessionOptions: {
        intraOpNumThreads: threads,
        extra: { session: { disable_prepacking: prepacking ? "0" : "1" } },
      },
    },
  );
  const create_s = (performance.now() - begun) / 1e3;
  const tokens = (shift: number) => ({
    data: BigInt64Array.from(
      { length: batch * length },
      (_, k) => BigInt((k + shift) * 7919 % smol.vocabulary),
    ),
    dims: [batch, length],
  });
  const feeds = { tokens: tokens(0), labels: tokens(1) };
  const [step_s, cpu_s, losses]: [number[], number[], number[]] = [[], [], []];
  for (let k = 0; k < steps; k++) {
    const [wall, cpu] = [performance.now(), process.cpuUsage()];
    losses.push((await trainer.step(feeds)).loss);
    step_s.push((performance.now() - wall) / 1e3);
    const { user, system } = process.cpuUsage(cpu);
    cpu_s.push((user + system) / 1e6);
  }
  return {
    weights_mib,
    // maxRSS is in KiB.
    peak_mib: process.resourceUsage().maxRSS / 1024,
    heap_mib: Math.max(0, ...memories.map(({ buffer }) => buffer.byteLength / MIB)),
    ...{ create_s, step_s, cpu_s, losses },
    trained: trainer.parameters.length,
  };
}

if (import.meta.main) {
  console.log(JSON.stringify(await tune(JSON.parse(Deno.env.get("DECODER_TUNING")!))));
  Deno.exit(0);
}
