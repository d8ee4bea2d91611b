/** @module */
import { Exit } from "../cli.ts";
import { requireAdapter } from "../runtime.ts";
import { measureTraining } from "./measure.ts";
import type { OnnxruntimeRuntime, ProviderName, TrainingCase, TrainingRow } from "./rows.ts";

/** A provider in a runtime. */
export interface TrainingPlace {
  readonly provider: ProviderName;
  readonly runtime: OnnxruntimeRuntime;
}

/** Where these providers run: Node.js has no WebGPU of its own. */
export function trainingPlaces(
  providers: readonly ProviderName[],
  runtimes: readonly OnnxruntimeRuntime[],
): TrainingPlace[] {
  return runtimes.flatMap((runtime) =>
    providers.filter((provider) => provider !== "webgpu" || runtime === "deno")
      .map((provider) => ({ provider, runtime }))
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

/** Measures a case in a runtime; in Node.js over the packages as they are built. */
export async function measureTrainingIn(
  runtime: OnnxruntimeRuntime,
  given: TrainingCase,
): Promise<TrainingRow[]> {
  if (runtime === "deno") return await measureTraining(given);
  const { runInNode } = await import("@precond/testing/node");
  const printed = await runInNode(new URL("./_node.ts", import.meta.url), {
    TRAINING_CASE: JSON.stringify(given),
  });
  return JSON.parse(printed.trim().split("\n").at(-1)!);
}
