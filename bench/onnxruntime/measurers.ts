/** @module */
import { fileURLToPath } from "node:url";
import { Exit } from "../exit.ts";
import { requireAdapter } from "../runtime.ts";
import type { OnnxruntimeRuntime, ProviderName, TrainingCase, TrainingRow } from "./rows.ts";

/** A provider in a runtime. */
export interface TrainingPlace {
  readonly provider: ProviderName;
  readonly runtime: OnnxruntimeRuntime;
  readonly threads: number;
}

/** Where these providers run, wasm with each number of threads: Node.js has no WebGPU of its own. */
export function trainingPlaces(
  providers: readonly ProviderName[],
  runtimes: readonly OnnxruntimeRuntime[],
  threads: readonly number[],
): TrainingPlace[] {
  return runtimes.flatMap((runtime) =>
    providers.filter((provider) => provider !== "webgpu" || runtime === "deno")
      .flatMap((provider) =>
        (provider === "wasm" ? threads : [1]).map((count) => ({
          provider,
          runtime,
          threads: count,
        }))
      )
  );
}

/**
 * Says that a place is missing before anything is measured.
 *
 * @throws {Exit} With code 2.
 */
export async function requireTrainingPlaces(places: readonly TrainingPlace[]): Promise<void> {
  if (places.length === 0) throw new Exit(2, "Cannot run webgpu in node: it runs in deno");
  if (places.some(({ provider }) => provider === "webgpu")) await requireAdapter();
}

const entry = new URL("./_measure.ts", import.meta.url);

/**
 * Measures a case in a process of its own, as threads are chosen once; in Node.js over the packages
 * as they are built.
 */
export async function measureTrainingIn(
  runtime: OnnxruntimeRuntime,
  given: TrainingCase,
): Promise<TrainingRow[]> {
  const env = { TRAINING_CASE: JSON.stringify(given) };
  const printed = runtime === "deno" ? await runInDeno(env) : await runInNode(env);
  return JSON.parse(printed.trim().split("\n").at(-1)!);
}

async function runInNode(env: Record<string, string>): Promise<string> {
  const { runInNode } = await import("@precond/testing/node");
  return await runInNode(entry, env);
}

async function runInDeno(env: Record<string, string>): Promise<string> {
  const args = ["run", "-A", fileURLToPath(entry)];
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args,
    env,
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot measure ${env["TRAINING_CASE"]}: see above`);
  return new TextDecoder().decode(stdout);
}
