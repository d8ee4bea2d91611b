/** @module */
import type { Ort } from "@precond/onnxruntime";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { ProviderName } from "./rows.ts";

/** The part of the removed training API that is timed. */
export interface OldSession {
  runTrainStep(feeds: object): Promise<Readonly<Record<string, { readonly data: unknown }>>>;
  runOptimizerStep(): Promise<void>;
  lazyResetGrad(): Promise<void>;
  release(): Promise<void>;
}

/** onnxruntime-web 1.19.2 with its training. */
export interface OldOrt {
  readonly TrainingSession: {
    create(files: Readonly<Record<string, Uint8Array>>): Promise<OldSession>;
  };
  readonly Tensor: Ort["Tensor"];
}

/** Where what is bundled for Node.js finds packages, too: from the folder it runs in. */
const installed = (name: string) => createRequire(join(process.cwd(), "_")).resolve(name);

interface Env {
  readonly wasm: { numThreads: number };
  readonly versions: Readonly<Record<string, string | undefined>>;
}

/** The last build that trains, which knows one thread only. */
export async function oldOrt(): Promise<OldOrt> {
  // Its exports hide the training build from Node.js: by file path.
  const folder = dirname(installed("onnxruntime-web-training"));
  const url = pathToFileURL(join(folder, "ort.training.wasm.mjs")).href;
  const ort = await import(url) as OldOrt & { env: Env & { logLevel: string } };
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ort;
}

/** The current build for a provider, and its version; `threads` are WebAssembly's. */
export async function currentOrt(
  provider: ProviderName,
  threads: number,
): Promise<{ ort: Ort; version: string }> {
  const ort = await {
    cpu: () => import("onnxruntime-node"),
    wasm: () => import("onnxruntime-web"),
    webgpu: () => import("onnxruntime-web/webgpu"),
  }[provider]() as unknown as Ort;
  const env = ort.env as Env;
  if (provider !== "cpu") env.wasm.numThreads = threads;
  return { ort, version: env.versions[provider === "cpu" ? "node" : "web"] ?? "unknown" };
}

/** A build whose sessions count the milliseconds of their runs. */
export function timedOrt(ort: Ort): { ort: Ort; milliseconds(): number } {
  let milliseconds = 0;
  return {
    milliseconds: () => milliseconds,
    ort: {
      Tensor: ort.Tensor,
      env: ort.env,
      InferenceSession: {
        async create(model, options) {
          const session = await ort.InferenceSession.create(model, options);
          const run = session.run.bind(session) as (...args: unknown[]) => ReturnType<
            typeof session.run
          >;
          return Object.assign(Object.create(session) as typeof session, {
            async run(...args: unknown[]) {
              const start = performance.now();
              try {
                return await run(...args);
              } finally {
                milliseconds += performance.now() - start;
              }
            },
            release: () => session.release(),
          });
        },
      },
    },
  };
}
