/**
 * An engine whose first graph is open.
 *
 * @module
 */
import { OnnxError } from "@precond/onnx/on_demand";
import type { Ort } from "../hosts/ort.ts";
import { createEngine } from "./engine.ts";
import type { Engine, Gathering } from "./engine_types.ts";
import type { TrainerOptions } from "./options.ts";
import type { Setup } from "./set_up.ts";

/**
 * Makes the engine of a setup and opens the graph of the first step.
 *
 * @param action What failed, if it does.
 * @throws {Error} For a graph that ONNX Runtime does not take; the setup is disposed then.
 */
export async function openEngine<A>(
  action: string,
  ort: Ort,
  setup: Setup<A>,
  options: TrainerOptions,
  gathering: Gathering = "mean",
): Promise<Engine<A>> {
  let engine: Engine<A> | undefined;
  try {
    engine = createEngine(ort, setup, options, gathering);
    await engine.open();
    return engine;
  } catch (cause) {
    engine?.dispose();
    await setup.dispose();
    const ours = [TypeError, RangeError, OnnxError].some((kind) => cause instanceof kind);
    if (ours || !(cause instanceof Error)) throw cause;
    throw new Error(
      `Cannot ${action}: ONNX Runtime does not take the training graph: ${cause.message}`,
      { cause },
    );
  }
}
